import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import test from "node:test";

import { makeTally } from "../soak/drive.ts";
import { makeRandom } from "../soak/random.ts";
import { slopeOf } from "../soak/resources.ts";
import { summarize } from "../soak/summary.ts";
import type { Observed, Summary } from "../soak/summary.ts";

const HELD = { minutes: 0, memoryMiB: 40, descriptors: 20, processes: 1, residentMiB: new Map([[7, 50]]) };

/** What is wrong with a run in which this was seen. */
function faultsOf(changes: Partial<Observed>): readonly string[] {
  const { ok, faults } = summarize({
    seed: 1,
    minutes: 10,
    machine: "of the test",
    levels: ["minimal"],
    tally: { ...makeTally(), honestMade: 100, hostileMade: 10 },
    stalls: { longestMs: 5, over20: 0 },
    stallsOfAnIdleProcess: { longestMs: 5, over20: 0 },
    before: HELD,
    samples: [HELD, { ...HELD, minutes: 5 }, { ...HELD, minutes: 10 }],
    after: { ...HELD, minutes: 10 },
    changedSettings: [],
    ...changes,
  });
  assert.equal(ok, faults.length === 0);
  return faults;
}

test("a run without losses and leaks is well", () => assert.deepEqual(faultsOf({}), []));

test("one honest call lost fails a run, one lost beside a hostile plugin at minimal does not", () => {
  const tally = { ...makeTally(), honestMade: 100, hostileMade: 10 };
  assert.deepEqual(faultsOf({ tally: { ...tally, honestLost: 1 } }), ["1 honest calls were lost"]);
  assert.deepEqual(faultsOf({ tally: { ...tally, honestLostBeside: 1 } }), []);
});

test("a run that called nobody fails", () => {
  assert.deepEqual(faultsOf({ tally: makeTally() }), ["no honest call was made", "no hostile call was made"]);
});

test("processes, descriptors, memory and settings that are left behind fail a run", () => {
  assert.deepEqual(faultsOf({ after: { ...HELD, processes: 2 } }), ["1 processes were left behind"]);
  assert.deepEqual(faultsOf({ after: { ...HELD, descriptors: 30 } }), ["10 descriptors were left open"]);
  const samples = [0, 5, 10].map((minutes) => ({ ...HELD, minutes, memoryMiB: 40 + 5 * minutes }));
  assert.deepEqual(faultsOf({ samples }), ["memory grew by 50.0 MiB"]);
  const lasting = [50, 60, 90].map((held, at) => ({
    ...HELD,
    minutes: at,
    residentMiB: new Map([
      [7, held],
      [8 + at, 500],
    ]),
  }));
  assert.deepEqual(faultsOf({ samples: lasting }), ["processes that lasted grew by 40.0 MiB"]);
  assert.deepEqual(faultsOf({ changedSettings: ["/proc/sys/vm/swappiness"] }), [
    "settings of the machine changed: /proc/sys/vm/swappiness",
  ]);
});

test("the slope is that of the line through the samples", () => {
  const samples = [0, 1, 2, 3].map((minutes) => ({ minutes, memoryMiB: 7 - 2 * minutes }));
  assert.equal(slopeOf(samples), -2);
  assert.equal(slopeOf(samples.slice(0, 2)), 0);
});

test("the same seed chooses the same", () => {
  const draw = (seed: number): number[] => {
    const random = makeRandom(seed);
    return Array.from({ length: 50 }, () => random.below(1_000));
  };
  assert.deepEqual(draw(5), draw(5));
  assert.notDeepEqual(draw(5), draw(6));
});

test("a few seconds of hostile and honest plugins side by side lose no honest call", async () => {
  const script = join(import.meta.dirname, "../soak/run.ts");
  const child = spawn(process.execPath, [script, "--minutes", "0.05", "--seed", "1", "--json"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  const [said, [code]] = (await Promise.all([text(child.stdout), once(child, "exit")])) as [string, [number]];
  const { ok, faults, honest, hostile } = JSON.parse(said) as Summary;
  assert.deepEqual(faults, []);
  assert.deepEqual([ok, code, honest.lost], [true, 0, 0]);
  assert.ok(honest.made > 0 && hostile.made > 0);
});
