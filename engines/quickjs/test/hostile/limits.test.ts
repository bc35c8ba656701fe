import assert from "node:assert/strict";
import test from "node:test";

import { bundleOf } from "../../../../packages/sandbox/conformance/hostile/attack.ts";
import type { Attack } from "../../../../packages/sandbox/conformance/hostile/attack.ts";
import { LOOPS } from "../../../../packages/sandbox/conformance/hostile/cpu.ts";
import { HOARDS } from "../../../../packages/sandbox/conformance/hostile/memory.ts";
import { STACK_ATTACKS } from "../../../../packages/sandbox/conformance/hostile/stack.ts";
import { openStrict } from "../bench.ts";
import type { Said } from "../bench.ts";

const CPU_MS = 60;
const MEMORY_MIB = 16;
/** What the machine may be larger than the plugin's limit: the engine's own stack and data. */
const OVERHEAD_BYTES = 2 * 1_048_576;

/** Plays an attack of the hostile suite in a compartment of its own; answers with what it said, and with its memory afterwards. */
function play(attack: Attack, cpuMs = CPU_MS): { said: Said[]; largestBytes: number } {
  const bench = openStrict(bundleOf(attack), { memoryMiB: MEMORY_MIB, cpuMs });
  const said = bench.call("attack");
  const largestBytes = bench.compartment.memory.length;
  bench.rest();
  const isLost = said.some(({ kind }) => kind === "lost");
  // A compartment that was lost never runs again; one that was not is as good as new.
  const expected: Said[] = isLost ? [] : [{ kind: "result", json: '"again"', bytes: [] }];
  assert.deepEqual(bench.call("echo", "again"), expected);
  return { said, largestBytes };
}

/** What lets go of the engine in between: its time is up in a later turn. */
const WAITS: ReadonlySet<string> = new Set(["a timer that leaves no time", "timers that set timers"]);

for (const attack of LOOPS.filter(({ name }) => !WAITS.has(name))) {
  test(`interrupts ${attack.name}`, () => {
    const { said } = play(attack);
    const last = said.at(-1);
    assert.equal(last?.kind, "lost", JSON.stringify(said).slice(0, 400));
    assert.ok(last.kind === "lost" && ["cpu", "memory"].includes(last.reason), JSON.stringify(last));
  });
}

for (const attack of HOARDS) {
  test(`holds ${attack.name} within the memory limit`, () => {
    const { said, largestBytes } = play(attack, 1_500);
    assert.ok(largestBytes <= MEMORY_MIB * 1_048_576 + OVERHEAD_BYTES, `${largestBytes} bytes`);
    const last = said.at(-1);
    // Some of it fits; then it is slow, or the plugin's own RangeError ends it.
    const isHeld =
      last?.kind === "failure" ||
      last?.kind === "result" ||
      (last?.kind === "lost" && (last.reason === "memory" || last.reason === "cpu"));
    assert.ok(isHeld, JSON.stringify(said).slice(0, 400));
  });
}

for (const attack of STACK_ATTACKS) {
  test(`survives ${attack.name}`, () => {
    const { said } = play(attack, 1_500);
    // Whatever the outcome, it is one of ours, and the engine is still here to tell.
    assert.ok(said.length > 0, "nothing was said");
  });
}
