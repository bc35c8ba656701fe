import assert from "node:assert/strict";
import test from "node:test";

import type { EngineDescriptor } from "@berth/sandbox";
import { parseManifest } from "@berth/spec";
import type { Manifest, SecurityLevel } from "@berth/spec";

import { fitToLevel, footingOf } from "../src/install/fit-to-level.ts";
import { completePolicy, policyFor } from "../src/policy.ts";
import type { PolicyInput } from "../src/policy.ts";

const engine = (name: string, levels: EngineDescriptor["levels"], more = {}): EngineDescriptor => ({
  ...more,
  name,
  runtimes: ["javascript"],
  levels,
  entry: "/none",
  files: [],
  nodeFlags: [],
});
const engines = [
  engine("v8", ["minimal", "standard", "isolated"]),
  engine("quickjs", ["strict", "isolated"], { isFresh: true }),
];
const strictOnly = [engine("quickjs", ["strict"], { isFresh: true })];
const strict = { level: "strict", isFresh: true } as const;

function manifest(more: object): Manifest {
  const text = {
    id: "acme.demo",
    version: "1.0.0",
    displayName: "Demo",
    description: "Demo.",
    license: "Apache-2.0",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    capabilities: ["data_processing"],
    contributes: { actions: { run: { input: { type: "null" }, output: { type: "null" } } } },
    ...more,
  };
  return parseManifest(new TextEncoder().encode(JSON.stringify(text)));
}

test("takes the engine that serves the level", () => {
  assert.equal(fitToLevel(manifest({}), strict, engines).engine.name, "quickjs");
  assert.deepEqual(fitToLevel(manifest({ limits: { memoryMiB: 256 } }), strict, engines).limits.memoryMiB, 256);
});

test("at isolated takes the engine that is fresh by itself where freshness is wanted, and the other one where not", () => {
  for (const installed of [engines, engines.toReversed()]) {
    const named = (isFresh: boolean): string =>
      fitToLevel(manifest({}), { level: "isolated", isFresh }, installed).engine.name;
    assert.deepEqual([named(true), named(false)], ["quickjs", "v8"]);
  }
  for (const isFresh of [true, false])
    for (const only of engines)
      assert.equal(fitToLevel(manifest({}), { level: "isolated", isFresh }, [only]).engine.name, only.name);
});

test("manifest or policy may say strict, and it stays said at isolated", () => {
  const say = (level: SecurityLevel, policy: PolicyInput): unknown =>
    footingOf(manifest({ level }), policyFor(completePolicy(policy), "acme.demo"));
  const fresh = { level: "isolated", isFresh: true };
  assert.deepEqual(say("strict", { level: "isolated" }), fresh);
  assert.deepEqual(say("isolated", { level: "strict" }), fresh);
  assert.deepEqual(say("minimal", { level: "isolated", rules: [{ plugins: ["acme.*"], level: "strict" }] }), fresh);
  assert.deepEqual(say("minimal", { level: "isolated", rules: [{ plugins: ["other.*"], level: "strict" }] }), {
    level: "isolated",
    isFresh: false,
  });
  assert.deepEqual(say("minimal", { level: "strict" }), { level: "strict", isFresh: true });
  assert.deepEqual(say("standard", {}), { level: "standard", isFresh: false });
});

test("limits that a level does not give are refused with the levels that do", () => {
  assert.throws(() => fitToLevel(manifest({ level: "standard", limits: { memoryMiB: 400 } }), strict, engines), {
    code: "HOST_LIMITS_TOO_HIGH",
    hint: "It would run at standard, isolated. The operator's policy asks for strict.",
  });
});

test("a level without an engine is refused with the levels that have one", () => {
  assert.throws(() => fitToLevel(manifest({ level: "strict" }), strict, engines.slice(0, 1)), {
    code: "HOST_RUNTIME_UNSUPPORTED",
    hint: "It would run at isolated. The manifest asks for strict.",
  });
});

test("no level is named where none would do, and none below the lowest that the plugin accepts", () => {
  const refusal = { code: "HOST_RUNTIME_UNSUPPORTED", hint: undefined };
  assert.throws(
    () => fitToLevel(manifest({ level: "isolated" }), { level: "isolated", isFresh: false }, strictOnly),
    refusal,
  );
});
