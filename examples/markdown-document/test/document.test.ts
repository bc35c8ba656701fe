import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import type { Context } from "@berth/sdk";

import { insertContents } from "../src/contents.ts";
import { headingsOf, parse } from "../src/document.ts";
import { inspect } from "../src/inspect.ts";
import plugin from "../src/plugin.ts";
import { tables } from "../src/tables.ts";

const readme = readFileSync(join(import.meta.dirname, "../../../README.md"), "utf8");

test("headings have GitHub's anchors, repeated ones with a number", () => {
  const markdown = "# Größe & Maß\n\n## Use `it`\n\n## Use it\n\nSetext\n------\n";
  assert.deepEqual(
    headingsOf(parse(markdown)).map(({ slug, level, line }) => [slug, level, line]),
    [
      ["größe--maß", 1, 1],
      ["use-it", 2, 3],
      ["use-it-1", 2, 5],
      ["setext", 2, 7],
    ],
  );
});

test("HTML and dangerous addresses do not come through", async () => {
  const markdown = [
    "<script>alert(1)</script>",
    "[x](javascript:alert(1)) [y](JaVaScRiPt:alert(1)) [z](&#106;avascript:alert(1))",
    "<img src=x onerror=alert(1)> ![p](data:text/html,x)",
    "[ok](https://example.org/?a=1&b=2)",
  ].join("\n\n");
  const { html } = await plugin.actions.render({ markdown }, {} as Context);
  assert.doesNotMatch(html, /<script|<img src=x|href="[^"]*script|src="data/i);
  assert.match(html, /<a href="https:\/\/example\.org\/\?a=1&amp;b=2">ok<\/a>/);
});

test("tables become rows, with a name for every column", () => {
  const { tables: found } = tables("x\n\n| a | a |  |\n|---|---|---|\n| 1 | **2** | `3` |\n| 4 |\n");
  assert.deepEqual(found, [
    {
      line: 3,
      columns: ["a", "a 2", "column 3"],
      rows: [
        { a: "1", "a 2": "2", "column 3": "3" },
        { a: "4", "a 2": "", "column 3": "" },
      ],
    },
  ]);
});

test("what is wrong is told with its line", () => {
  const markdown = "intro\n\n## A\n\n#### B\n\n## A\n\n[gone](#nope) [here](#a-1) [](x) []()\n\n![](p.png)\n";
  assert.deepEqual(
    inspect(markdown).problems.map(({ line, rule }) => [line, rule]),
    [
      [3, "no-title"],
      [5, "heading-jump"],
      [7, "duplicate-heading"],
      [9, "broken-anchor"],
      [9, "empty-link"],
      [11, "missing-alt"],
    ],
  );
});

test("the project's own README has words, links and no broken anchor", () => {
  const report = inspect(readme);
  assert.ok(report.words > 100 && report.links.length > 3, `${report.words} words, ${report.links.length} links`);
  assert.deepEqual(
    report.problems.filter(({ rule }) => rule === "broken-anchor"),
    [],
  );
});

test("a table of contents is written once, and again in its place", () => {
  const markdown = "# Title\n\n## One [x]\n\n### Two\n\n#### Four\n";
  const first = insertContents({ markdown });
  assert.equal(first.entries, 2);
  assert.match(
    first.markdown,
    /^# Title\n\n<!-- toc -->\n\n- \[One \\\[x\\\]\]\(#one-x\)\n {2}- \[Two\]\(#two\)\n\n<!-- \/toc -->\n/,
  );
  assert.equal(insertContents({ markdown: first.markdown }).markdown, first.markdown);
  assert.equal(insertContents({ markdown: first.markdown, depth: 4 }).entries, 3);
});

test("deep nesting and long runs of marks end", () => {
  for (const markdown of [
    ">".repeat(5_000),
    "*".repeat(20_000),
    "[".repeat(5_000),
    "- ".repeat(2_000),
    "`".repeat(9_999),
  ]) {
    assert.ok(inspect(markdown).words >= 0);
  }
});
