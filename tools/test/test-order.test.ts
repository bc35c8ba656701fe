import assert from "node:assert/strict";
import test from "node:test";

import { runInOrder } from "../test-order.ts";
import type { FileOutcome } from "../test-order.ts";

const LATE = "bench/test/app.test.ts";
const EARLY = "packages/base/test/quote.test.ts";
const passes: FileOutcome = { passed: 1, named: [], failures: [], skips: [] };
const fails: FileOutcome = { passed: 0, named: [], failures: ["it broke"], skips: [] };

/** Each file answers as told, one answer for each time it is run; a file takes a minute. */
async function play(files: readonly string[], answers: Record<string, (FileOutcome | undefined)[]>, minutes: number) {
  const ran: string[] = [];
  const run = async (file: string): Promise<FileOutcome | undefined> => {
    ran.push(file);
    return answers[file]?.shift();
  };
  const result = await runInOrder(files, { run, say: () => undefined, minutes, elapsedMs: () => ran.length * 60_000 });
  return { ...result, ran };
}

test("long files run last, and do not begin when the minutes are over", async () => {
  const { ran, outcomes } = await play([LATE, EARLY], { [EARLY]: [passes], [LATE]: [passes] }, 0.5);
  assert.deepEqual(ran, [EARLY]);
  assert.deepEqual(outcomes.get(LATE)?.skips, ["not begun: 0.5 minutes were over"]);
  assert.deepEqual((await play([LATE, EARLY], { [EARLY]: [passes], [LATE]: [passes] }, 5)).ran, [EARLY, LATE]);
});

test("a failure is never taken for a skip: its second try begins however late it is", async () => {
  const again = await play([LATE], { [LATE]: [fails, fails] }, 0.5);
  assert.deepEqual([again.ran, again.outcomes.get(LATE), again.secondTries], [[LATE, LATE], fails, []]);
  const mended = await play([LATE], { [LATE]: [fails, passes] }, 0.5);
  assert.deepEqual([mended.outcomes.get(LATE), mended.secondTries], [passes, [LATE]]);
  const gone = await play([LATE], { [LATE]: [fails, undefined] }, 0.5);
  assert.deepEqual([gone.outcomes.get(LATE), gone.secondTries], [fails, []]);
});

test("many failures are no accident, and are not tried again", async () => {
  const files = Array.from({ length: 6 }, (_, index) => `packages/base/test/${index}.test.ts`);
  const { ran, secondTries } = await play(files, Object.fromEntries(files.map((file) => [file, [fails, passes]])), 5);
  assert.deepEqual([ran.length, secondTries], [6, []]);
});
