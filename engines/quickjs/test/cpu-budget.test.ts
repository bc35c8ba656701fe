import assert from "node:assert/strict";
import test from "node:test";

import { CpuBudget } from "../src/cpu-budget.ts";

function makeBudget(): { budget: CpuBudget; now: { wallMs: number; cpuMs: number }; readings: () => number } {
  const now = { wallMs: 1_000, cpuMs: 50 };
  let readings = 0;
  const cpuMs = (): number => {
    readings += 1;
    return now.cpuMs;
  };
  return { budget: new CpuBudget({ wallMs: () => now.wallMs, cpuMs }), now, readings: () => readings };
}

test("charges what was computed, not what was waited", () => {
  const { budget, now } = makeBudget();
  budget.fill(100);
  now.wallMs += 5_000;
  now.cpuMs += 100;
  assert.equal(budget.isOverdrawn(), false);
  now.cpuMs += 1;
  assert.equal(budget.isOverdrawn(), true);
  now.cpuMs -= 50;
  assert.equal(budget.isOverdrawn(), true, "once overdrawn it stays so");
  budget.fill(100);
  assert.equal(budget.isOverdrawn(), false);
});

test("reads the CPU clock once in a while, not for every call", () => {
  const { budget, now, readings } = makeBudget();
  for (let call = 0; call < 1_000; call += 1) {
    budget.fill(100);
    now.wallMs += 0.02;
    now.cpuMs += 0.02;
    assert.equal(budget.isOverdrawn(), false);
  }
  assert.ok(readings() <= 5, String(readings()));
});

test("charges at most 5 ms of the calls before", () => {
  const { budget, now } = makeBudget();
  budget.fill(100);
  now.wallMs += 5;
  now.cpuMs += 5;
  budget.fill(100);
  now.wallMs += 101;
  now.cpuMs += 95;
  assert.equal(budget.isOverdrawn(), false);
  now.cpuMs += 1;
  assert.equal(budget.isOverdrawn(), true);
});
