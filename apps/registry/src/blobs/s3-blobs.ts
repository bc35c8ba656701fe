import { S3mini } from "s3mini";

import { RegistryError } from "../errors.ts";
import type { BlobStore, StoredBlob } from "./blob-store.ts";
import { hexOf, missingBlob, verifyBlob } from "./verify-blob.ts";

export interface S3Options {
  /** URL of the bucket. */
  readonly endpoint: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

const PREFIX = "sha256/";
const PAGE = 1_000;
const TIMEOUT_MS = 60_000;

/** Blobs in an S3 bucket, under `sha256/`. */
export function s3Blobs(options: S3Options): BlobStore {
  const bucket = new S3mini({ ...options, requestAbortTimeout: TIMEOUT_MS });
  const keyOf = (digest: string): string => `${PREFIX}${hexOf(digest)}`;
  return {
    async put(digest, bytes) {
      const response = await attempt(digest, () => bucket.putObject(keyOf(digest), bytes, "application/octet-stream"));
      if (!response.ok) throw s3Failure(digest, `HTTP ${response.status}`);
    },
    async read(digest) {
      const found = await attempt(digest, () => bucket.getObjectArrayBuffer(keyOf(digest)));
      if (found === null) throw missingBlob(digest);
      return verifyBlob(digest, new Uint8Array(found));
    },
    list: () => listBucket(bucket),
    async remove(digest) {
      await attempt(digest, () => bucket.deleteObject(keyOf(digest)));
    },
  };
}

async function* listBucket(bucket: S3mini): AsyncIterable<StoredBlob> {
  let token: string | undefined;
  do {
    const page = await attempt("the list of files", () => bucket.listObjectsPaged("/", PREFIX, PAGE, token));
    for (const { Key: key, LastModified: modifiedAt } of page?.objects ?? []) {
      const hex = key.slice(PREFIX.length);
      if (/^[0-9a-f]{64}$/.test(hex)) yield { digest: `sha256:${hex}`, modifiedAt: new Date(modifiedAt) };
    }
    token = page?.nextContinuationToken;
  } while (token !== undefined);
}

async function attempt<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, status } = error as { code?: string; status?: number };
    throw s3Failure(what, code ?? (status === undefined ? "no answer" : `HTTP ${status}`), error);
  }
}

const s3Failure = (what: string, reason: string, cause?: unknown): RegistryError =>
  new RegistryError("REGISTRY_BLOBS_FAILED", `the S3 server failed at ${what} (${reason})`, { cause });
