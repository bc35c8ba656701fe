import assert from "node:assert/strict";
import test from "node:test";

import { scanFile, scanPackage } from "@berth/scanner";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const scanText = (text: string, path = "a.js") => scanFile({ path, bytes: bytesOf(text) });

/** Runs a scan and says how long it took; inputs below are made to be slow for careless code. */
function timed<Result>(work: () => Result): { result: Result; ms: number } {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, ms: (user + system) / 1000 };
}

const LIMIT_MS = 20_000;

test("10 MB on one line are reported as too large to follow, in bounded time", () => {
  const { result, ms } = timed(() => scanText(`x=[${"'a',".repeat(2_500_000)}]`));
  assert.ok(result.findings.some(({ rule }) => rule === "leaves-unscanned"));
  assert.ok(ms < LIMIT_MS, `${ms} ms`);
});

test("100,000 nested brackets are a finding, not a crash", () => {
  for (const [open, close] of ["()", "[]", "{}"].map((pair) => Array.from(pair) as [string, string])) {
    const result = scanText(`x=${open.repeat(100_000)}${close.repeat(100_000)}`);
    assert.ok(
      result.findings.some(({ rule }) => rule === "leaves-unscanned"),
      open,
    );
  }
});

test("every construct that nests is cut off before the stack ends", () => {
  const n = 3000;
  const nested: Record<string, string> = {
    arrows: `x=${"()=>".repeat(n)}1`,
    conditions: `x=${"a?b:".repeat(n)}c`,
    templates: `x=${"`${".repeat(n)}1${"}`".repeat(n)}`,
    unary: `x=${"- ".repeat(n)}1`,
    news: `x=${"new ".repeat(n)}A`,
    blocks: `${"if(a){".repeat(n)}${"}".repeat(n)}`,
    classes: `${"class A{m(){".repeat(n)}${"}}".repeat(n)}`,
    elses: `${"if(a);else ".repeat(n)};`,
    members: `x=a${".b".repeat(50_000)}`,
    sums: `x=1${"+1".repeat(50_000)}`,
    chains: `x=a${"(1)".repeat(n)}`,
    jsx: `x=${"<a>".repeat(n)}${"</a>".repeat(n)}`,
    types: `let x: ${"A<".repeat(n)}B${">".repeat(n)};`,
  };
  for (const [name, text] of Object.entries(nested)) {
    const path = name === "jsx" ? "a.jsx" : name === "types" ? "a.ts" : "a.js";
    const { ms } = timed(() => scanText(text, path));
    assert.ok(ms < LIMIT_MS, `${name}: ${ms} ms`);
  }
});

test("broken encodings, marks and lone surrogates are read like everything else", () => {
  const payload = 'eval(atob("MQ=="));';
  const utf16 = new Uint8Array([0xff, 0xfe, ...Array.from(payload).flatMap((letter) => [letter.charCodeAt(0), 0])]);
  assert.equal(scanFile({ path: "a.js", bytes: utf16 }).verdict, "block");
  assert.equal(scanText(`\uFEFF${payload}`).verdict, "block");
  const invalid = new Uint8Array([...bytesOf("/* "), 0xff, 0xc3, 0x28, ...bytesOf(` */ ${payload}`)]);
  assert.equal(scanFile({ path: "a.js", bytes: invalid }).verdict, "block");
  assert.equal(scanText(`const s = "\\ud800"; ${payload}`).verdict, "block");
});

test("a polyglot is scanned for what it is named as and for what it looks like", () => {
  const gif = new Uint8Array([...bytesOf("GIF89a=1;"), ...bytesOf('eval(atob("MQ=="));')]);
  assert.equal(scanFile({ path: "image.js", bytes: gif }).verdict, "block");
  const wasm = new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 0xff, 0xff, 0xff, 0xff]);
  assert.doesNotThrow(() => scanFile({ path: "m.js", bytes: wasm }));
});

test("a source map that lies changes nothing", () => {
  const result = scanPackage("p", [
    { path: "a.js", bytes: bytesOf('eval(atob("MQ=="));\n//# sourceMappingURL=a.js.map') },
    {
      path: "a.js.map",
      bytes: bytesOf('{"version":3,"sources":["harmless.ts"],"sourcesContent":["1;"],"mappings":"AAAA"}'),
    },
  ]);
  assert.equal(result.verdict, "block");
  assert.ok(result.findings.some(({ file }) => file === "a.js"));
});

test("50,000 tiny files end at the limit and say so", () => {
  const files = Array.from({ length: 50_000 }, (_, index) => ({ path: `f${index}.txt`, bytes: bytesOf("a") }));
  const { result, ms } = timed(() => scanPackage("many", files));
  assert.ok(result.findings.some(({ message }) => message.startsWith("40000 files beyond the limit")));
  assert.ok(ms < LIMIT_MS, `${ms} ms`);
});

test("names of built-in members and of the prototype are names like others", () => {
  const text = ["__proto__", "constructor", "hasOwnProperty", "toString", "valueOf", "then"]
    .map((name) => `var ${name} = { ${name}: ${name} }; ${name}.${name}(${name}["${name}"]);`)
    .join("\n");
  assert.doesNotThrow(() => scanText(text));
  assert.doesNotThrow(() =>
    scanText('{"__proto__":{"dependencies":{"constructor":"1"}},"name":"__proto__"}', "package.json"),
  );
});

test("patterns that make careless expressions slow cost linear time", () => {
  const slow = [
    `"${"a".repeat(200_000)}`,
    `curl ${"- ".repeat(100_000)}`,
    `x = "${"\\\\".repeat(100_000)}";`,
    `/*${"*".repeat(200_000)}`,
    `"${"curl -x ".repeat(50_000)}"`,
    `${"\u200B ".repeat(100_000)}`,
    `${"<script ".repeat(50_000)}`,
    `"${"rm -r -f ".repeat(20_000)}"`,
    `${"do not ".repeat(50_000)}`,
    `const a = "${"./".repeat(100_000)}";`,
  ];
  for (const text of slow) {
    for (const path of ["a.js", "a.md", "a.html", "a.py", "a.sh", "package.json"]) {
      const { ms } = timed(() => scanText(text, path));
      assert.ok(ms < 5_000, `${path}: ${ms} ms for ${text.slice(0, 20)}`);
    }
  }
});
