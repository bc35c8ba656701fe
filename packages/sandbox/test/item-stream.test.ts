import assert from "node:assert/strict";
import test from "node:test";

import { ItemStream } from "@berth/sandbox";
import type { WireValue } from "@berth/wire";
import { decodeValue, encodeValue } from "@berth/wire";

interface Bench {
  readonly items: ItemStream<unknown>;
  readonly faults: unknown[];
  /** Settles how the items that are looked at are found, in the order in which they came. */
  readonly looks: { resolve(): void; reject(): void }[];
  push(value: unknown): void;
}

/** Text is looked at later, everything else at once. */
function makeBench(): Bench {
  const faults: unknown[] = [];
  const looks: Bench["looks"] = [];
  const read = (crossing: WireValue): unknown => {
    const value = decodeValue(crossing);
    if (value === null) throw new Error("null");
    if (typeof value !== "string") return value;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    looks.push({ resolve: () => resolve(value), reject: () => reject(new Error(value)) });
    return promise;
  };
  const items = new ItemStream(read, (error) => faults.push((error as Error).message));
  return { items, faults, looks, push: (value) => items.push(encodeValue(value)) };
}

test("gives items in the order in which they came, whenever they were looked at", async () => {
  const { items, looks, push } = makeBench();
  let taken = 0;
  items.begin(() => (taken += 1));
  for (const value of ["a", "b", 1]) push(value);
  const first = items.take();
  looks[1]?.resolve();
  await Promise.resolve();
  assert.equal(taken, 0, "what is looked at is not taken yet");
  looks[0]?.resolve();
  assert.deepEqual(
    [await first, await items.take(), await items.take()],
    [{ value: "a" }, { value: "b" }, { value: 1 }],
  );
  items.end();
  assert.deepEqual([await items.take(), taken], [undefined, 3]);
});

test("what came before a fault can be taken, nothing after it, and the fault is told once", async () => {
  const { items, looks, faults, push } = makeBench();
  for (const value of [1, "a", "b", "c", 2]) push(value);
  looks[2]?.reject();
  looks[1]?.reject();
  let isRead = false;
  const read = items.whenRead().then(() => (isRead = true));
  assert.deepEqual(await items.take(), { value: 1 });
  assert.equal(isRead, false, "one is looked at still");
  looks[0]?.resolve();
  await read;
  push(3);
  assert.deepEqual([await items.take(), await items.take()], [{ value: "a" }, undefined]);
  assert.deepEqual(faults, ["c"]);
});

test("a fault that is found at once ends the stream as well", async () => {
  const { items, faults, push } = makeBench();
  for (const value of [1, null, 2, null]) push(value);
  await items.whenRead();
  assert.deepEqual([await items.take(), await items.take()], [{ value: 1 }, undefined]);
  assert.deepEqual(faults, ["null"]);
});

test("ends when it is told to, with what is looked at by then", async () => {
  const { items, looks, push } = makeBench();
  push("a");
  items.end();
  push("late");
  const first = items.take();
  looks[0]?.resolve();
  assert.deepEqual([await first, await items.take(), looks.length], [{ value: "a" }, undefined, 1]);
});
