import assert from "node:assert/strict";
import test from "node:test";

import { PROGRESS_EVERY_MS, ProgressRelay } from "../src/progress-relay.ts";

interface World {
  readonly relay: ProgressRelay;
  readonly sent: string[];
  /** Lets time pass, and timers fire. */
  pass(ms: number): void;
}

function world(admit = (): boolean => true): World {
  let now = 0;
  let timers: { at: number; run: () => void }[] = [];
  const sent: string[] = [];
  const relay = new ProgressRelay({
    now: () => now,
    setTimer(run, delayMs) {
      const timer = { at: now + delayMs, run };
      timers.push(timer);
      return () => (timers = timers.filter((each) => each !== timer));
    },
    admit,
    send: (json) => sent.push(json),
  });
  return {
    relay,
    sent,
    pass(ms) {
      now += ms;
      const due = timers.filter(({ at }) => at <= now);
      timers = timers.filter(({ at }) => at > now);
      for (const { run } of due) run();
    },
  };
}

test("sends the first report at once, and of those that follow soon the latest", () => {
  const { relay, sent, pass } = world();
  for (const report of ["1", "2", "3"]) relay.offer(report);
  assert.deepEqual(sent, ["1"]);
  pass(PROGRESS_EVERY_MS);
  assert.deepEqual(sent, ["1", "3"]);
  pass(PROGRESS_EVERY_MS * 10);
  assert.deepEqual(sent, ["1", "3"]);
});

test("sends without a timer when a guest has not returned for long", () => {
  const { relay, sent, pass } = world();
  relay.offer("1");
  pass(PROGRESS_EVERY_MS);
  relay.offer("2");
  assert.deepEqual(sent, ["1", "2"]);
});

test("sends what waits when the call ends, and nothing afterwards", () => {
  const { relay, sent, pass } = world();
  for (const report of ["1", "2"]) relay.offer(report);
  relay.end();
  assert.deepEqual(sent, ["1", "2"]);
  pass(PROGRESS_EVERY_MS * 10);
  assert.deepEqual(sent, ["1", "2"]);
});

test("keeps the latest while its compartment has reported enough", () => {
  let isOpen = false;
  const { relay, sent, pass } = world(() => isOpen);
  for (const report of ["1", "2"]) relay.offer(report);
  pass(PROGRESS_EVERY_MS);
  assert.deepEqual(sent, []);
  relay.offer("3");
  isOpen = true;
  pass(PROGRESS_EVERY_MS);
  assert.deepEqual(sent, ["3"]);
});

test("sends nothing of a call that was dropped", () => {
  const { relay, sent, pass } = world();
  for (const report of ["1", "2"]) relay.offer(report);
  relay.drop();
  pass(PROGRESS_EVERY_MS);
  assert.deepEqual(sent, ["1"]);
});
