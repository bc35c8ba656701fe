import assert from "node:assert/strict";
import test from "node:test";

import { cachedBlobs } from "../src/blobs/cached-blobs.ts";

/** A store with one large file, which counts how often that is read. */
function countingStore() {
  const store = {
    reads: 0,
    put: () => Promise.resolve(),
    remove: () => Promise.resolve(),
    // oxlint-disable-next-line eslint/require-yield -- nothing is listed
    list: async function* () {},
    async read(digest: string): Promise<Uint8Array> {
      store.reads += 1;
      await Promise.resolve();
      if (digest === "gone") throw new Error("gone");
      return new Uint8Array(5 * 1_048_576).fill(7);
    },
  };
  return store;
}

test("all who fetch a large file at a time share its bytes", async () => {
  const store = countingStore();
  const files = cachedBlobs(store, 1_048_576);
  const together = await Promise.all(Array.from({ length: 20 }, () => files.read("large")));
  const later = await files.read("large");
  assert.equal(store.reads, 1);
  for (const bytes of [...together, later]) {
    assert.equal(bytes.buffer, together[0]?.buffer);
    assert.deepEqual([bytes.length, bytes[0]], [5 * 1_048_576, 7]);
  }
});

test("a file that could not be read is tried again", async () => {
  const store = countingStore();
  const files = cachedBlobs(store, 1_048_576);
  for (const reads of [1, 2]) {
    await assert.rejects(files.read("gone"), /gone/);
    assert.equal(store.reads, reads);
  }
});
