import assert from "node:assert/strict";
import test from "node:test";

import { UsageWatch } from "../src/usage-watch.ts";

const ALLOWANCE = { bytes: 1_000, cpuMs: 100 };
const using = (cpuMs: number | undefined, grownBytes = 0): { cpuMs: number | undefined; grownBytes: number } => ({
  cpuMs,
  grownBytes,
});

test("ends a process that is busy and silent for longer than it may be", () => {
  const watch = new UsageWatch();
  const ends = [50, 149, 150, 151].map((cpuMs) => watch.check(using(cpuMs), ALLOWANCE));
  assert.deepEqual(ends, [undefined, undefined, undefined, "cpu"]);
});

test("progress begins a new span", () => {
  const watch = new UsageWatch();
  watch.check(using(0), ALLOWANCE);
  watch.noteProgress();
  assert.equal(watch.check(using(500), ALLOWANCE), undefined);
  assert.equal(watch.check(using(590), ALLOWANCE), undefined);
  assert.equal(watch.check(using(601), ALLOWANCE), "cpu");
});

test("ends a process that outgrows its memory, whatever it says", () => {
  const watch = new UsageWatch();
  watch.noteProgress();
  assert.equal(watch.check(using(0, 1_001), ALLOWANCE), "memory");
});

test("does not guess where the system tells nothing", () => {
  const watch = new UsageWatch();
  for (let count = 0; count < 3; count += 1)
    assert.equal(watch.check({ cpuMs: undefined, grownBytes: undefined }, ALLOWANCE), undefined);
});
