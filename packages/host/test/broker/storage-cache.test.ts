import assert from "node:assert/strict";
import test from "node:test";

import { StorageCache } from "../../src/broker/storage-cache.ts";

const area = { pluginId: "acme.demo", partition: "" };
const value = (text: string): { text: string; bytes: Uint8Array[] } => ({ text, bytes: [] });

function fill(cache: StorageCache, key: string, text: string | undefined, at = area): void {
  cache.endRead(cache.beginRead(at), key, text === undefined ? undefined : value(text));
}

test("remembers what is there and what is not", () => {
  const cache = new StorageCache();
  assert.equal(cache.get(area, "k"), undefined);
  fill(cache, "k", undefined);
  assert.deepEqual(cache.get(area, "k")?.value, undefined);
  assert.ok(cache.get(area, "k"));
  fill(cache, "k", '"v"');
  assert.equal(cache.get(area, "k")?.value?.text, '"v"');
});

test("a read that began before a write never fills the cache", () => {
  const cache = new StorageCache();
  const read = cache.beginRead(area);
  const write = cache.beginWrite(area, ["k"]);
  cache.endRead(read, "k", value("old"));
  assert.equal(cache.get(area, "k"), undefined);
  const during = cache.beginRead(area);
  cache.endWrite(write, new Map([["k", value("new")]]));
  cache.endRead(during, "k", value("old"));
  assert.equal(cache.get(area, "k")?.value?.text, "new");
});

test("of two writes that overlap neither is remembered", () => {
  const cache = new StorageCache();
  const one = cache.beginWrite(area, ["k"]);
  const two = cache.beginWrite(area, ["k"]);
  cache.endWrite(one, new Map([["k", value("1")]]));
  cache.endWrite(two, new Map([["k", value("2")]]));
  assert.equal(cache.get(area, "k"), undefined);
});

test("what a plugin stores pushes out its own entries in the same area, never those of others", () => {
  const cache = new StorageCache();
  const other = { pluginId: "acme.other", partition: "" };
  const partition = { pluginId: "acme.demo", partition: "user:anna" };
  fill(cache, "k", "kept", other);
  fill(cache, "k", "kept", partition);
  for (let index = 0; index < 40; index += 1) fill(cache, `k${index}`, "x".repeat(100_000));
  assert.equal(cache.get(area, "k0"), undefined);
  assert.ok(cache.get(area, "k39"));
  assert.equal(cache.get(other, "k")?.value?.text, "kept");
  assert.equal(cache.get(partition, "k")?.value?.text, "kept");
});

test("all areas together stay within a bound; the one used longest ago goes first", () => {
  const cache = new StorageCache();
  const areaOf = (index: number): typeof area => ({ pluginId: "acme.demo", partition: `user:${index}` });
  for (let index = 0; index < 100; index += 1) fill(cache, "k", "x".repeat(400_000), areaOf(index));
  const kept = Array.from({ length: 100 }, (_, index) => cache.get(areaOf(index), "k") !== undefined);
  assert.ok(kept.filter(Boolean).length <= 41, `${kept.filter(Boolean).length} areas of 0.8 MB are kept`);
  assert.equal(kept[0], false);
  assert.equal(kept[99], true);
});

test("a forgotten plugin leaves nothing, whatever was under way", () => {
  const cache = new StorageCache();
  fill(cache, "k", "x");
  const read = cache.beginRead(area);
  const write = cache.beginWrite(area, ["w"]);
  cache.forget("acme.demo");
  cache.endRead(read, "k", value("x"));
  cache.endWrite(write, new Map([["w", value("x")]]));
  assert.equal(cache.get(area, "k"), undefined);
  assert.equal(cache.get(area, "w"), undefined);
});
