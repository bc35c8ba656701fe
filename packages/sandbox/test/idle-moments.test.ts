import assert from "node:assert/strict";
import test from "node:test";

import { IdleMoments } from "../src/node-idle-moments.ts";

const turn = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 1));

async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 30_000; !condition() && performance.now() < end;) await turn();
  assert.ok(condition(), "waited 30 seconds in vain");
}

test("comes once when nothing happens, however often it was asked for", async () => {
  let runs = 0;
  const moments = new IdleMoments(
    () => false,
    () => (runs += 1),
  );
  for (let asked = 0; asked < 3; asked += 1) moments.askForOne();
  await until(() => runs > 0);
  moments.askForOne();
  await until(() => runs > 1);
  assert.equal(runs, 2);
});

test("does not come while work is under way", async () => {
  let [isBusy, looks, runs] = [true, 0, 0];
  const moments = new IdleMoments(
    () => {
      looks += 1;
      return isBusy;
    },
    () => (runs += 1),
  );
  moments.askForOne();
  await until(() => looks > 2);
  assert.equal(runs, 0);
  isBusy = false;
  await until(() => runs === 1);
});

test("does not come while one piece of work follows the other", async () => {
  let looks = 0;
  let runs = 0;
  const moments = new IdleMoments(
    () => {
      // Looked at only when nothing was noted since the last look.
      looks += 1;
      return false;
    },
    () => (runs += 1),
  );
  moments.askForOne();
  let isWorking = true;
  // Work at every turn of the event loop.
  const steady = (): void => {
    moments.noteWork();
    if (isWorking) setImmediate(steady);
  };
  steady();
  for (let turns = 0; turns < 100; turns += 1) await turn();
  assert.deepEqual([looks, runs], [0, 0]);
  isWorking = false;
  await until(() => runs === 1);
});
