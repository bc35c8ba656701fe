import assert from "node:assert/strict";
import test from "node:test";

import type { Manifest } from "@berth/spec";

import { DeclarationIndex } from "../../src/lifecycle/declaration-index.ts";

const declaring = (topics: readonly string[], schedules: readonly string[] = []): Manifest => {
  const contributes = {
    subscriptions: Object.fromEntries(topics.map((topic) => [topic, { action: "hear" }])),
    schedules: Object.fromEntries(schedules.map((name) => [name, { cron: "0 6 * * *", action: "hear" }])),
  };
  return { contributes } as unknown as Manifest;
};

test("finds who subscribes to a topic, by id", () => {
  const index = new DeclarationIndex();
  index.note("acme.two", undefined, declaring(["app/paid", "app/sent"]));
  index.note("acme.one", undefined, declaring(["app/paid"]));
  assert.deepEqual(index.subscribersOf("app/paid"), ["acme.one", "acme.two"]);
  assert.deepEqual(index.subscribersOf("app/sent"), ["acme.two"]);
  assert.deepEqual(index.subscribersOf("toString"), []);
});

test("follows an update and forgets what was removed", () => {
  const index = new DeclarationIndex();
  const [first, second] = [declaring(["app/paid"], ["nightly"]), declaring(["app/sent"])];
  index.note("acme.one", undefined, first);
  assert.deepEqual(index.scheduled(), ["acme.one"]);
  index.note("acme.one", first, second);
  assert.deepEqual(index.subscribersOf("app/paid"), []);
  assert.deepEqual(index.subscribersOf("app/sent"), ["acme.one"]);
  assert.deepEqual(index.scheduled(), []);
  index.note("acme.one", second, second);
  assert.deepEqual(index.subscribersOf("app/sent"), ["acme.one"]);
  index.note("acme.one", second, undefined);
  assert.deepEqual(index.subscribersOf("app/sent"), []);
});
