import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { allRules, findingClasses, scanFile, scanPackage } from "@berth/scanner";

import { corpus } from "./corpus/all-techniques.ts";
import { ruleSamples } from "./corpus/rule-samples.ts";
import type { Sample } from "./corpus/technique.ts";

const folder = join(import.meta.dirname, "../src/rules");

function rulesFor(sample: Sample): string[] {
  const entries = typeof sample === "string" ? [["sample.js", sample] as const] : Object.entries(sample);
  const files = entries.map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) }));
  const [only] = files;
  const result = files.length === 1 && only !== undefined ? scanFile(only) : scanPackage("sample", files);
  return result.findings.map(({ rule }) => rule);
}

test("every rule is one file with its own name, in the list by name, with all its words", () => {
  const files = readdirSync(folder).filter((file) => file !== "all-rules.ts" && file !== "rule-ids.ts");
  assert.deepEqual(
    allRules.map(({ id }) => `${id}.ts`),
    files.toSorted(),
  );
  for (const { id, class: kind, finds, remedy } of allRules) {
    assert.ok(findingClasses.includes(kind), id);
    assert.match(finds, /^[A-Z`][^]*\.$/u, id);
    assert.match(remedy, /^[A-Z`][^]*\.$/u, id);
  }
});

test("every rule finds something in a program that was written for it", () => {
  // What needs two releases has tests of its own.
  const elsewhere = ["differs-from-previous"];
  const found = new Set(elsewhere.concat(corpus.flatMap(({ hostile }) => hostile.flatMap(rulesFor))));
  for (const [rule, samples] of Object.entries(ruleSamples)) {
    for (const sample of samples) {
      const rules = rulesFor(sample);
      assert.ok(
        rules.includes(rule),
        `${rule} is not among ${rules.join(", ")}: ${JSON.stringify(sample).slice(0, 200)}`,
      );
      found.add(rule);
    }
  }
  assert.deepEqual(
    allRules.map(({ id }) => id).filter((id) => !found.has(id)),
    [],
  );
});

test("a rule that is left out finds nothing", () => {
  const bytes = new TextEncoder().encode('eval(atob("MSsx"));');
  const all = scanFile({ path: "a.js", bytes });
  const none = scanFile({ path: "a.js", bytes }, { rules: [] });
  assert.ok(all.findings.some(({ rule }) => rule === "runs-decoded-code"));
  assert.deepEqual(none.findings, []);
});
