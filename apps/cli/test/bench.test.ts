import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { machineWalls } from "@berth/sandbox";

import { berthIn } from "./berth.ts";

const { folder, ok, refused } = berthIn("berth bench-");
const { full } = await machineWalls(isolate());
const LEVELS = ["minimal", "standard", "strict", ...(full.kind === "offered" ? ["isolated"] : [])];

interface Bench {
  readonly rows: { action: string; level: string; medianMs: number; p99Ms: number; coldMs: number; calls: number }[];
  readonly differences: { action: string; varies: boolean }[];
  readonly failures: { code: string; level: string; hint?: string }[];
  readonly withoutInput: string[];
}

const bench = (args: string[], input?: string): Bench =>
  ok(["bench", ...args, "--calls", "3"], input) as unknown as Bench;

test("measures an action at every level that this machine has", () => {
  ok(["create", "words", "--publisher", "acme"]);
  const { rows, differences } = bench(["words", "--action", "count-words", "--input", "-"], '{"text":"a b"}');
  assert.deepEqual(
    rows.map(({ level }) => level),
    LEVELS,
  );
  for (const { coldMs, medianMs, p99Ms, calls } of rows) {
    assert.ok(coldMs > 0 && medianMs > 0 && p99Ms >= medianMs);
    assert.equal(calls, 3);
  }
  // It counts how often it was used.
  assert.deepEqual(differences, [{ action: "count-words", levels: [], varies: true }]);
});

test("takes inputs from the folder, and tells what it could not call", () => {
  refused(["bench", "words"], "CLI_USAGE", 2);
  mkdirSync(join(folder, "words", "inputs"));
  writeFileSync(join(folder, "words", "inputs", "count-words.json"), '{"text":"a b"}');
  assert.equal(bench(["words"]).rows.length, LEVELS.length);
  refused(["bench", "words", "--action", "none"], "CLI_USAGE", 2);
  refused(["bench", "words", "--calls", "0"], "CLI_USAGE", 2);
  refused(["bench", "words", "--input", "-"], "CLI_USAGE", 2);
});

test("tells why a level does not do, and which would", () => {
  const path = join(folder, "words", "manifest.json");
  const manifest = JSON.parse(readFileSync(path, "utf8")) as object;
  writeFileSync(path, JSON.stringify({ ...manifest, limits: { memoryMiB: 400 } }));
  const { rows, failures } = bench(["words", "--action", "count-words", "--input", "-"], '{"text":"a b"}');
  assert.ok(rows.every(({ level }) => level !== "strict"));
  const strict = failures.find(({ level }) => level === "strict");
  assert.equal(strict?.code, "HOST_LIMITS_TOO_HIGH");
  assert.match(strict.hint ?? "", /minimal, standard, isolated/);
});
