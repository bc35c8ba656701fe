import assert from "node:assert/strict";
import test from "node:test";

import { scanFile, scanPackage } from "@berth/scanner";
import { minify } from "terser";

import { corpus } from "./corpus/all-techniques.ts";
import { secondSet } from "./corpus/second-set.ts";
import type { Sample } from "./corpus/technique.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function isFlagged(sample: Sample): boolean {
  if (typeof sample === "string") return scanFile({ path: "sample.js", bytes: bytesOf(sample) }).verdict !== "clean";
  const files = Object.entries(sample).map(([path, text]) => ({ path, bytes: bytesOf(text) }));
  const [only] = files;
  const result = files.length === 1 && only !== undefined ? scanFile(only) : scanPackage("sample", files);
  return result.verdict !== "clean";
}

const short = (sample: Sample): string => (typeof sample === "string" ? sample : JSON.stringify(sample)).slice(0, 200);

/** Techniques that live in the spelling of the source, which a minifier rewrites. */
const SPELLING: ReadonlySet<string> = new Set([
  "obfuscation",
  "hidden-unicode",
  "dynamic-import",
  "wallet/covert/wasm/stego/unicode",
]);

/** The sample through a real minifier: names shortened, statements merged, nothing computed ahead. */
async function minified(sample: string): Promise<string> {
  const isModule = /^\s*(?:import|export)\s|\bawait\b/mu.test(sample);
  const compress = { evaluate: false, drop_debugger: false, unsafe: false, passes: 2 };
  const { code } = await minify(sample, { module: isModule, toplevel: true, compress, mangle: true });
  return code ?? "";
}

/** The share of the project's own variants that must be found, technique by technique and over all. */
const RECALL = 0.97;

test("the corpus has at least five variants of every technique, and look-alikes", () => {
  for (const { name, hostile, honest } of corpus) {
    assert.ok(hostile.length >= 4, name);
    assert.ok(name in secondSet || name.endsWith(" set") || name === "env-exfiltration" || honest.length >= 2, name);
  }
});

test("finds the variants of every technique, as written and minified", async () => {
  let all = 0;
  const missed: string[] = [];
  for (const { name, hostile } of corpus) {
    for (const sample of hostile) {
      all += 1;
      if (!isFlagged(sample)) missed.push(`${name}: ${short(sample)}`);
      if (typeof sample !== "string" || SPELLING.has(name)) continue;
      all += 1;
      const code = await minified(sample);
      if (!isFlagged(code)) missed.push(`${name}, minified: ${short(code)}`);
    }
  }
  assert.ok(1 - missed.length / all >= RECALL, `${missed.length} of ${all} missed:\n${missed.join("\n")}`);
});

test("leaves the look-alikes alone, as written and minified", async () => {
  const flagged: string[] = [];
  for (const { name, honest } of corpus) {
    for (const sample of honest) {
      if (isFlagged(sample)) flagged.push(`${name}: ${short(sample)}`);
      if (typeof sample !== "string") continue;
      const code = await minified(sample);
      if (isFlagged(code)) flagged.push(`${name}, minified: ${short(code)}`);
    }
  }
  assert.deepEqual(flagged, []);
});
