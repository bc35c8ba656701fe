import assert from "node:assert/strict";
import test from "node:test";

import { EntryTurns } from "../src/entry-turns.ts";
import { FairQueue } from "../src/fair-queue.ts";

test("keys have turns, items of a key keep their order", () => {
  const queue = new FairQueue<string, string>();
  for (const item of ["a1", "a2", "a3", "b1", "c1", "c2"]) queue.push(item.charAt(0), item);
  queue.push("a", "a1"); // Stands there already.
  assert.deepEqual([queue.size, queue.countOf("a")], [6, 3]);
  const taken = [queue.shift(), queue.shift()];
  queue.push("b", "b2"); // Behind those who wait already.
  for (let item = queue.shift(); item !== undefined; item = queue.shift()) taken.push(item);
  assert.deepEqual(taken, ["a1", "b1", "c1", "a2", "b2", "c2", "a3"]);
  assert.equal(queue.size, 0);
});

test("what was removed or dropped is not handed out", () => {
  const queue = new FairQueue<string, string>();
  for (const item of ["a1", "a2", "b1"]) queue.push(item.charAt(0), item);
  assert.deepEqual([queue.remove("a", "a1"), queue.remove("a", "a1"), queue.remove("z", "z")], [true, false, false]);
  queue.drop("b");
  assert.deepEqual([queue.size, queue.shift(), queue.shift(), queue.size], [1, "a2", undefined, 0]);
});

test("entries of one slice leave the pipe its turn, and lose no order", () => {
  let now = 0;
  const later: (() => void)[] = [];
  const turns = new EntryTurns(
    () => now,
    (run) => later.push(run),
  );
  const done: string[] = [];
  const add = (compartment: number, name: string): void =>
    turns.add(compartment, () => {
      now += 3;
      done.push(name);
    });
  for (const name of ["a", "b", "c", "d"]) add(1, name);
  add(2, "neighbour");
  assert.equal(later.length, 1);
  later.shift()?.();
  assert.deepEqual(done, ["a", "neighbour"]);
  turns.drop(2);
  while (later.length > 0) later.shift()?.();
  assert.deepEqual(done, ["a", "neighbour", "b", "c", "d"]);
  assert.ok(turns.isEmpty);
});
