import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { berthIn } from "./berth.ts";

const { folder, ok, refused } = berthIn("berth levels-");

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
