// An effect that is not repeated answers as before: also with the label that its first answer had.
import assert from "node:assert/strict";
import test from "node:test";

import { makeDataLabel } from "@berth/spec";
import type { DataLabel } from "@berth/spec";

import { RememberedEffects } from "../../src/broker/remembered-effects.ts";
import { CallLabel } from "../../src/labels/call-label.ts";
import { HeardLabel } from "../../src/labels/heard-label.ts";
import { InstanceLabel } from "../../src/labels/instance-label.ts";

const A = makeDataLabel(["a.com"]);
const AB = makeDataLabel(["a.com", "b.com"]);
const BC = makeDataLabel(["b.com", "c.com"]);

/** An attempt at a call, in an instance of its own. */
function begin(heard?: HeardLabel): CallLabel {
  const label = new CallLabel();
  heard?.follow(label);
  label.enter(new InstanceLabel(false));
  return label;
}

const never = (): never => assert.fail("it was asked for again");

test("an answer that is given again brings its label along", async () => {
  const effects = new RememberedEffects();
  const first = begin();
  const answer = await effects.once("key", true, first, async () => {
    first.add(A);
    return "Ann";
  });
  first.leave();
  const second = begin();
  assert.equal(await effects.once("key", true, second, never), answer);
  assert.deepEqual(second.current, A);
});

test("an answer that comes when its attempt has ended brings its label along too", async () => {
  const effects = new RememberedEffects();
  const first = begin();
  const { promise, resolve } = Promise.withResolvers<string>();
  const lost = effects.once("key", true, first, async () => {
    const answer = await promise;
    first.add(A);
    return answer;
  });
  first.leave();
  assert.equal(first.current, undefined);
  const second = begin();
  const repeated = effects.once("key", true, second, never);
  resolve("Ann");
  assert.deepEqual([await lost, await repeated], ["Ann", "Ann"]);
  assert.deepEqual(second.current, A);
  assert.equal(first.current, undefined, "what came too late was in no answer of the first attempt");
});

test("an answer without a label gives none", async () => {
  const effects = new RememberedEffects();
  await effects.once("key", true, begin(), async () => 1);
  const second = begin();
  await effects.once("key", true, second, never);
  assert.equal(second.current, undefined);
});

test("whoever called hears the labels of all attempts, each change once", () => {
  const told: DataLabel[] = [];
  const heard = new HeardLabel((label) => told.push(label));
  const first = begin(heard);
  heard.tell();
  assert.deepEqual(told, []);
  first.add(AB);
  heard.tell();
  heard.tell();
  first.leave();
  const second = begin(heard);
  heard.tell();
  assert.deepEqual([heard.current, told], [AB, [AB]]);
  second.add(BC);
  heard.tell();
  second.leave();
  heard.tell();
  assert.deepEqual(told, [AB, makeDataLabel(["b.com"])]);
});
