import assert from "node:assert/strict";
import test from "node:test";

import { suspectsOf } from "../src/loss.ts";
import type { Loss } from "../src/loss.ts";
import { Suspects } from "../src/suspects.ts";

const loss = (facts: Partial<Loss>): Loss => ({
  reason: "crashed",
  lastWords: "",
  plugins: ["a", "b", "c"],
  atWork: ["a", "b"],
  culprit: undefined,
  ...facts,
});

test("suspects are those at work, or all when nobody was; whoever was always alone is none", () => {
  for (const reason of ["crashed", "memory", "protocol"] as const) {
    assert.deepEqual(suspectsOf(loss({ reason })), ["a", "b"]);
    // What the process says of a culprit counts for nothing when it crashed.
    assert.deepEqual(suspectsOf(loss({ reason, culprit: "c" })), ["a", "b"]);
    assert.deepEqual(suspectsOf(loss({ reason, atWork: [] })), ["a", "b", "c"]);
    assert.deepEqual(suspectsOf(loss({ reason, plugins: ["a"], atWork: ["a"] })), []);
  }
  assert.deepEqual(suspectsOf(loss({ reason: "cpu", culprit: "b" })), ["b"]);
  assert.deepEqual(suspectsOf(loss({ reason: "cpu" })), ["a", "b"]);
  assert.deepEqual(suspectsOf(loss({ reason: "deadline", plugins: ["b"], culprit: "b" })), []);
});

test("a suspect is acquitted when it has behaved for the whole time, counted from its last loss", () => {
  let now = 0;
  const suspects = new Suspects(100, () => now);
  assert.deepEqual([suspects.accuse("a"), suspects.accuse("a"), suspects.has("a")], [true, false, true]);
  suspects.prolong("stranger");
  now = 60;
  suspects.prolong("a");
  suspects.accuse("b");
  now = 120;
  assert.deepEqual(suspects.acquit(), []);
  now = 160;
  assert.deepEqual(suspects.acquit(), ["a", "b"]);
  assert.deepEqual([suspects.size, suspects.has("a"), suspects.has("stranger")], [0, false, false]);
});
