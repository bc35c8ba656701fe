import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

test("every section of docs/solver.md that the code names exists", () => {
  const headings = new Set(
    readFileSync(new URL("../../../docs/solver.md", import.meta.url), "utf8")
      .split("\n")
      .filter((line) => line.startsWith("#"))
      .map((line) => line.replace(/^#+ /, "")),
  );
  const source = new URL("../src/", import.meta.url);
  let links = 0;
  for (const file of readdirSync(source)) {
    const text = readFileSync(new URL(file, source), "utf8").replaceAll(/\s*\n \*\s*/g, " ");
    for (const [, section] of text.matchAll(/docs\/solver\.md, "([^"]+)"/g)) {
      links += 1;
      assert.ok(headings.has(section as string), `${file} names "${section}"`);
    }
  }
  assert.ok(links >= 8);
});
