import assert from "node:assert/strict";
import test from "node:test";

import { findTerms, translationOf } from "../src/find-terms.ts";
import { check, protect, restore } from "../src/marks.ts";

const terms = [
  { source: "sandbox", target: "Sandkasten" },
  { source: "sandbox host", target: "Sandkastenwirt" },
  { source: "API", target: "API", keepCase: true },
  { source: "naïve", target: "naiv" },
  { source: "插件", target: "plugin" },
];
const found = (text: string) =>
  findTerms(text, terms).map((hit) => [text.slice(hit.start, hit.end), translationOf(hit)]);

test("whole words are found, the longest first, in any case and spelling of accents", () => {
  assert.deepEqual(found("A Sandbox\n host; SANDBOXES, SANDBOX. nai\u0308ve api"), [
    ["Sandbox\n host", "Sandkastenwirt"],
    ["SANDBOX", "SANDKASTEN"],
    ["nai\u0308ve", "naiv"],
    ["api", "API"],
  ]);
});

test("a script without spaces is searched within", () => {
  assert.deepEqual(found("安装插件后"), [["插件", "plugin"]]);
});

test("marks carry terms through a translation, and tell what was lost or doubled", () => {
  const { text, marks } = protect("The sandbox has an API and a sandbox.", terms);
  assert.equal(text, "The XTERM0X has an XTERM1X and a XTERM2X.");
  assert.deepEqual(restore({ text: "Der XTERM0X hat XTERM1X, XTERM1X, XTERM9X.", marks }), {
    text: "Der Sandkasten hat API, API, XTERM9X.",
    missing: ["Sandkasten"],
    repeated: ["API"],
  });
  assert.throws(() => protect("XTERM3X", terms), /already/);
});

test("a translation is complete when every term is used as often as in the source", () => {
  assert.deepEqual(
    check("A sandbox and a sandbox.", "Ein Sandkasten und noch ein Sandkasten.", terms).isComplete,
    true,
  );
  assert.deepEqual(check("A sandbox host and a sandbox.", "Ein Sandkasten.", terms).missing, [
    { source: "sandbox host", target: "Sandkastenwirt", expected: 1, found: 0 },
  ]);
});

test("time does not grow with the product of text and glossary", () => {
  const many = Array.from({ length: 5_000 }, (_, index) => ({ source: `term ${index} end`, target: `t${index}` }));
  const text = "term 4999 end ".repeat(20_000);
  assert.equal(findTerms(text, many).length, 20_000);
});
