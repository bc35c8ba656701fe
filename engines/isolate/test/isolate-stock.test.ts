import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";

interface Seen {
  readonly isReadyAtStart: boolean;
  readonly isReadyAfterOne: boolean;
  readonly isReadyAfterTwo: boolean;
  readonly areApart: boolean;
  readonly limits: readonly number[];
  readonly newLimits: readonly number[];
  readonly actionsOfThird: string;
  readonly clockOfThird: number;
  readonly randomOfThird: string;
  readonly foundInThird: string;
  readonly globalsOfSecond: string;
  readonly globalsOfThird: string;
}

const fixture = join(import.meta.dirname, "fixtures/isolate-stock.ts");
const seen = JSON.parse(
  execFileSync(process.execPath, [...isolate().nodeFlags, fixture], { encoding: "utf8" }),
) as Seen;

test("an isolate stands ready before the first compartment and after the second, not between", () => {
  assert.deepEqual([seen.isReadyAtStart, seen.isReadyAfterOne, seen.isReadyAfterTwo], [true, false, true]);
});

test("the limit of an isolate is the limit that was asked for, whatever stood ready", () => {
  assert.deepEqual(seen.limits, seen.newLimits);
});

test("an isolate is handed out once, and nothing of one compartment is found in the next", () => {
  assert.ok(seen.areApart);
  assert.equal(seen.actionsOfThird, "[]");
  assert.equal(seen.foundInThird, "undefined,undefined");
});

test("an isolate from the kept compilation has the globals of one that was compiled anew", () => {
  assert.equal(seen.globalsOfThird, seen.globalsOfSecond);
  assert.ok(seen.globalsOfThird.includes("console"));
});

test("for the plugin of an isolate that stood ready no call has begun", () => {
  assert.equal(seen.clockOfThird, 0);
  assert.match(seen.randomOfThird, /no random bytes while a plugin is loaded/);
});
