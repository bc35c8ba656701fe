import assert from "node:assert/strict";
import test from "node:test";

import { checkDocs } from "../check-docs.ts";
import { makeTree } from "./tree.ts";

const problemsWith = (readme: string): string[] =>
  checkDocs(makeTree({ "README.md": readme, "docs/guide.md": "# Guide\n\n## What it `does`, and why\n" }));

test("every link and anchor of this repository leads somewhere", () => {
  assert.deepEqual(checkDocs(), []);
});

test("links to files, headings and other sites are fine, and code is not read", () => {
  const text =
    "# A\n\n[g](docs/guide.md) [h](docs/guide.md#what-it-does-and-why) [a](#a) [w](https://example.com/x)\n\n```\n[x](none.md)\n# no title\n```\n`[y](none.md)`\n";
  assert.deepEqual(problemsWith(text), []);
});

for (const [what, text, expected] of [
  ["a link to nothing", "# A\n\n[x](docs/none.md)\n", /README\.md: docs\/none\.md leads nowhere/],
  ["an anchor that no heading has", "# A\n\n[x](docs/guide.md#other)\n", /names no heading/],
  ["an anchor within the file that no heading has", "# A\n\n[x](#b)\n", /names no heading/],
  ["a file without a title", "text\n", /expected one title, found 0/],
  ["a file with two titles", "# A\n\n# B\n", /expected one title, found 2/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.match(problemsWith(text).join("\n"), expected);
  });
}
