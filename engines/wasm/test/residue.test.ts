// What one call left must be nowhere in the next one's reach: its own memory, and what it shares with its host.
import assert from "node:assert/strict";
import test from "node:test";

import { openWasm } from "./compartment.ts";
import { SEARCHES } from "./searching-module.ts";

test("a fresh instance finds no byte of the calls before, in 1,000 calls that mark all they can reach", async () => {
  const { call } = openWasm(SEARCHES, { isFresh: true });
  for (let index = 0; index < 1_000; index += 1) assert.deepEqual(await call("run"), { value: null });
});

test("the search finds what is there: in an instance that stays the first call's marks stay too", async () => {
  const { call } = openWasm(SEARCHES);
  assert.deepEqual(await call("run"), { value: null });
  assert.match(JSON.stringify(await call("run")), /answered with code 1/);
});

test("a call that failed leaves as little", async () => {
  const { call } = openWasm(SEARCHES, { isFresh: true });
  for (let index = 0; index < 20; index += 1) {
    assert.deepEqual(await call("run"), { value: null });
    assert.match(JSON.stringify(await call("missing")), /exports no function/);
  }
});
