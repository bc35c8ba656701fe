/** A file of the blob store, as a listing gives it. */
export interface StoredBlob {
  /** `sha256:` and 64 hexadecimal digits. */
  readonly digest: string;
  readonly modifiedAt: Date;
}

/**
 * Where files are kept, each under the digest of its content. Nothing is ever replaced, and nothing is
 * given out that is not what its name says.
 */
export interface BlobStore {
  /**
   * Keeps a file for good: when this returns, it survives a crash of the machine. Keeping one twice is
   * the same as once.
   *
   * @throws RegistryError REGISTRY_DISK_FULL, REGISTRY_BLOBS_FAILED
   */
  put(digest: string, bytes: Uint8Array): Promise<void>;
  /**
   * The file of this digest, verified.
   *
   * @throws RegistryError REGISTRY_BLOB_MISSING, REGISTRY_BLOB_DAMAGED, REGISTRY_BLOBS_FAILED
   */
  read(digest: string): Promise<Uint8Array>;
  /** Every file that is there. */
  list(): AsyncIterable<StoredBlob>;
  /** Forgets a file; one that is not there is no mistake. */
  remove(digest: string): Promise<void>;
}
