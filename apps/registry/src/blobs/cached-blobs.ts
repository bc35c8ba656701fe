import { LRUCache } from "lru-cache";

import type { BlobStore } from "./blob-store.ts";

const LARGEST_CACHED_BYTES = 4 * 1_048_576;
const SHARED_FILES = 1_000;

/** Where the bytes of a large file are as long as somebody sends them. */
interface Shared {
  readonly memory: WeakRef<ArrayBufferLike>;
  readonly offset: number;
  readonly length: number;
}

/**
 * Keeps small files that were read and verified in memory, bounded by bytes. Larger ones are kept no longer
 * than they are sent, but all who fetch one at a time share its bytes: otherwise each slow reader would
 * cost as much memory as the file is long.
 */
export function cachedBlobs(blobs: BlobStore, maxBytes: number): Pick<BlobStore, "read"> {
  const cache = new LRUCache<string, Uint8Array>({ maxSize: maxBytes, sizeCalculation: ({ length }) => length + 200 });
  const shared = new LRUCache<string, Shared>({ max: SHARED_FILES });
  const underWay = new Map<string, Promise<Uint8Array>>();

  async function readAnew(digest: string): Promise<Uint8Array> {
    const bytes = await blobs.read(digest);
    const { buffer, byteOffset: offset, length } = bytes;
    if (length <= LARGEST_CACHED_BYTES) cache.set(digest, bytes);
    else shared.set(digest, { memory: new WeakRef(buffer), offset, length });
    return bytes;
  }

  return {
    async read(digest) {
      const cached = cache.get(digest);
      if (cached !== undefined) return cached;
      const { memory, offset, length } = shared.get(digest) ?? {};
      const buffer = memory?.deref();
      if (buffer !== undefined) return new Uint8Array(buffer, offset, length);
      const reading = underWay.get(digest) ?? readAnew(digest).finally(() => underWay.delete(digest));
      underWay.set(digest, reading);
      return reading;
    },
  };
}
