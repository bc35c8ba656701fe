import assert from "node:assert/strict";
import test from "node:test";

import { LogGate } from "../src/log-gate.ts";

test("lets a number of lines pass in a second and tells how many did not", () => {
  const gate = new LogGate(3);
  const passes = [0, 1, 2, 3, 999].map((nowMs) => gate.admit(nowMs).passes);
  assert.deepEqual(passes, [true, true, true, false, false]);
  assert.deepEqual(gate.admit(1_000), { passes: true, droppedBefore: 2 });
  assert.deepEqual(gate.admit(1_001), { passes: true, droppedBefore: 0 });
});
