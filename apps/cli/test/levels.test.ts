import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { machineWalls } from "@berth/sandbox";

import { berthIn } from "./berth.ts";

const { folder, ok, refused } = berthIn("berth levels-");
const { full } = await machineWalls(isolate());
const skip = full.kind === "missing" && full.missing.why;

function install(file: string): void {
  ok(["sign", file]);
  ok(["install", file, "--yes", "--trust", String(ok(["keys", "show"])["keyId"])]);
}

test("one package gives the same answers at every level that this host has", () => {
  ok(["keys", "create"]);
  ok(["create", "words", "--publisher", "acme"]);
  ok(["pack", "words"]);
  install("acme.words-0.1.0.berth");
  const run = (...level: string[]): unknown =>
    ok(["run", "acme.words", "count-words", "--input", "-", ...level], '{"text":"one two three"}')["output"];
  // Storage is the plugin's own at every level; memory is not, and the plugin does not notice.
  assert.deepEqual(run(), { words: 3, uses: 1 });
  assert.deepEqual(run("--level", "minimal"), { words: 3, uses: 2 });
  assert.deepEqual(run("--level", "standard"), { words: 3, uses: 3 });
  assert.deepEqual(run("--level", "strict"), { words: 3, uses: 4 });
  refused(["run", "acme.words", "count-words", "--level", "severe"], "CLI_USAGE", 2);
});

test("runs a WebAssembly module that Extism's kit made, packed from its folder", () => {
  const path = join(folder, "kit");
  mkdirSync(path);
  const any = { type: ["object", "array", "string", "number", "null"] };
  const manifest = {
    id: "acme.kit",
    version: "1.0.0",
    displayName: "Kit",
    description: "Counts vowels.",
    license: "Apache-2.0",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "wasm", entry: "kit.wasm" },
    capabilities: ["data_processing"],
    contributes: { actions: { vowels: { input: any, output: any }, count: { input: any, output: any } } },
  };
  writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
  const module = join(import.meta.dirname, "../../../engines/wasm/test/fixtures/extism-kit.wasm");
  copyFileSync(module, join(path, "kit.wasm"));
  ok(["pack", "kit"]);
  install("acme.kit-1.0.0.berth");
  for (const level of ["standard", "strict"])
    assert.deepEqual(ok(["run", "acme.kit", "vowels", "--level", level, "--input", "-"], '"Hello, world!"')["output"], {
      vowels: 3,
    });
});

test("what says strict stays with the engine that is fresh for every call when one command raises it", { skip }, () => {
  const path = join(folder, "clock");
  mkdirSync(path);
  const manifest = {
    id: "acme.clock",
    version: "1.0.0",
    displayName: "Clock",
    description: "Tells the engine by its words.",
    license: "Apache-2.0",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    level: "standard",
    capabilities: ["data_processing"],
    contributes: { actions: { words: { input: true, output: { type: "string" } } } },
  };
  writeFileSync(join(path, "manifest.json"), JSON.stringify(manifest));
  writeFileSync(join(path, "plugin.js"), "export default { actions: { words: () => Date() } };");
  ok(["pack", "clock"]);
  install("acme.clock-1.0.0.berth");
  const isQuickJs = (...level: string[]): boolean =>
    !String(ok(["run", "acme.clock", "words", ...level])["output"]).endsWith("(Coordinated Universal Time)");
  assert.deepEqual([isQuickJs(), isQuickJs("--level", "isolated")], [false, false]);
  const policy = join(folder, "state", "policy.json");
  writeFileSync(policy, JSON.stringify({ level: "strict" }));
  assert.deepEqual([isQuickJs(), isQuickJs("--level", "isolated")], [true, true]);
  rmSync(policy);
});
