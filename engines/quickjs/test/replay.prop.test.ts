import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import fc from "fast-check";

import { record, replay } from "./replay.ts";

const inputs = fc.record({
  words: fc.array(fc.string({ unit: "grapheme", maxLength: 8 }), { maxLength: 5 }),
  rounds: fc.nat({ max: 6 }),
});

/** Draws from the real generator: what is recorded must not depend on the test's seed alone. */
const choose = (among: number): number => Math.floor(Math.random() * among);

test("a recorded call gives the same bytes again, whatever it drew, waited for and was told", () => {
  fc.assert(
    fc.property(fc.array(inputs, { minLength: 1, maxLength: 4 }), (list) => {
      const calls = record(list, choose);
      for (const { said } of calls) assert.match(said, /"kind":"result"/);
      assert.deepEqual(
        replay(calls),
        calls.map(({ said }) => said),
      );
    }),
    { numRuns: 40 },
  );
});

test("calls draw other numbers and see another time than the calls before", () => {
  const calls = record(
    [
      { words: [], rounds: 3 },
      { words: [], rounds: 3 },
    ],
    choose,
  );
  assert.notEqual(calls[0]?.said, calls[1]?.said);
});

test("1,000 recorded calls give the same bytes in another process, in any order", () => {
  const calls = record(fc.sample(inputs, { numRuns: 1_000, seed: 1 }), choose);
  const folder = mkdtempSync(join(tmpdir(), "berth-replay-"));
  try {
    const file = join(folder, "calls.json");
    // Backwards: no call may depend on those that came before it.
    writeFileSync(file, JSON.stringify(calls.toReversed()));
    const script = join(import.meta.dirname, "replay.ts");
    const text = execFileSync(process.execPath, [script, file], { encoding: "utf8", maxBuffer: 64 * 1_048_576 });
    assert.deepEqual(
      (JSON.parse(text) as string[]).toReversed(),
      calls.map(({ said }) => said),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
