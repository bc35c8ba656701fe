import assert from "node:assert/strict";
import test from "node:test";

import { scanFile, scanPackage } from "@berth/scanner";
import fc from "fast-check";

import { corpus } from "../corpus/all-techniques.ts";

const sources = corpus
  .flatMap(({ hostile, honest }) => [...hostile, ...honest])
  .filter((one) => typeof one === "string");
const paths = [
  "a.js",
  "a.ts",
  "a.tsx",
  "a.py",
  "a.sh",
  "a.html",
  "a.json",
  "package.json",
  "manifest.json",
  "a.md",
  "a.wasm",
  "a",
  "a.png",
];
const RUNS = 400;

function assertSound(result: ReturnType<typeof scanFile>): void {
  assert.ok(result.score >= 0 && result.score <= 100 && Number.isInteger(result.score));
  for (const { line, column, excerpt, message } of result.findings) {
    assert.ok(line >= 1 && column >= 1);
    // What is shown to people cannot move their cursor or turn their text.
    assert.doesNotMatch(`${excerpt}${message}`, /[\u0000-\u0008\u000B-\u001F\u007F\u202A-\u202E\u2066-\u2069]/u);
  }
}

test("any bytes under any name are scanned without an exception", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.constantFrom(...paths), (bytes, path) => {
      assertSound(scanFile({ path, bytes }));
    }),
    { numRuns: RUNS },
  );
});

test("programs with pieces cut out, doubled and swapped are scanned without an exception", () => {
  const piece = fc.tuple(fc.constantFrom(...sources), fc.nat(300), fc.nat(300));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), fc.constantFrom(...paths), (pieces, path) => {
      const text = pieces.map(([source, from, length]) => source.slice(from, from + length)).join("\n");
      const bytes = new TextEncoder().encode(text);
      const first = scanFile({ path, bytes });
      assertSound(first);
      assert.deepEqual(scanFile({ path, bytes }), first);
    }),
    { numRuns: RUNS },
  );
});

test("the order of a package's files does not matter", () => {
  const file = fc.tuple(fc.constantFrom(...paths), fc.constantFrom(...sources));
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: ([path]) => path, maxLength: 5 }), (entries) => {
      const files = entries.map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) }));
      const { score, verdict } = scanPackage("p", files);
      const turned = scanPackage("p", files.toReversed());
      assert.deepEqual([turned.score, turned.verdict], [score, verdict]);
    }),
    { numRuns: 60 },
  );
});
