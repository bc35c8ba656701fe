import assert from "node:assert/strict";
import test from "node:test";

import type { EngineDescriptor } from "@berth/sandbox";
import { parseManifest } from "@berth/spec";
import type { Manifest } from "@berth/spec";

import { fitToLevel } from "../src/install/fit-to-level.ts";

const engine = (name: string, levels: EngineDescriptor["levels"]): EngineDescriptor => ({
  name,
  runtimes: ["javascript"],
  levels,
  entry: "/none",
  files: [],
  nodeFlags: [],
});
const engines = [engine("v8", ["minimal", "standard", "isolated"]), engine("quickjs", ["strict"])];

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
  assert.equal(fitToLevel(manifest({}), "strict", engines).engine.name, "quickjs");
  assert.deepEqual(fitToLevel(manifest({ limits: { memoryMiB: 256 } }), "strict", engines).limits.memoryMiB, 256);
});

test("limits that a level does not give are refused with the levels that do", () => {
  assert.throws(() => fitToLevel(manifest({ level: "standard", limits: { memoryMiB: 400 } }), "strict", engines), {
    code: "HOST_LIMITS_TOO_HIGH",
    hint: "It would run at standard, isolated. The operator's policy asks for strict.",
  });
});

test("a level without an engine is refused with the levels that have one", () => {
  assert.throws(() => fitToLevel(manifest({ level: "strict" }), "strict", engines.slice(0, 1)), {
    code: "HOST_RUNTIME_UNSUPPORTED",
    hint: "It would run at isolated. The manifest asks for strict.",
  });
});

test("no level is named where none would do, and none below the lowest that the plugin accepts", () => {
  const refusal = { code: "HOST_RUNTIME_UNSUPPORTED", hint: undefined };
  assert.throws(() => fitToLevel(manifest({ level: "isolated" }), "isolated", engines.slice(1)), refusal);
});
