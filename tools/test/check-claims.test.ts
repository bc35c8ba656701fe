import assert from "node:assert/strict";
import test from "node:test";

import { checkClaims } from "../check-claims.ts";
import { makeTree } from "./tree.ts";

const TESTS = 'test("one thing holds", () => {});\ntest(`the ${which} wall of ${who} stands firm`, () => {});\n';

const problemsWith = (line: string): string[] =>
  checkClaims(
    makeTree({
      "docs/guide/levels.md": "# Levels\n",
      "docs/threat-model.md": `# Threat model\n\n${line}\n`,
      "packages/a/test/wall.test.ts": TESTS,
      "packages/a/src/wall.ts": 'const claim = "not tested";\n',
      "apps/b/conformance/attacks.ts": 'const attacks = { "a plain loop": "() => {}" };\n',
      "engines/c/README.md": "# C\n",
    }),
  );

test("every test that the threat model and the page of levels name exists", () => {
  assert.deepEqual(checkClaims(), []);
});

test("titles are found by a file's name or path, also with parts that are put in", () => {
  const lines = [
    '("one thing holds", `wall.test.ts`)',
    '| a | `packages/a/test/wall.test.ts`: "one thing holds"; `attacks.ts`: "a plain loop" |',
    '("the … wall of … stands firm", `wall.test.ts`)',
    'installs say "reduced", and `wall.ts` says nothing',
  ];
  assert.deepEqual(problemsWith(lines.join("\n")), []);
});

for (const [what, line, expected] of [
  [
    "a title that no test has",
    '("another thing holds", `wall.test.ts`)',
    /3: no test "another thing holds" in packages\/a\/test/,
  ],
  ["a title of another file", '("one thing holds", `attacks.ts`)', /no test "one thing holds"/],
  ["a title without a file", '("one thing holds")', /names no file of tests/],
  ["a file that there is not", '("one thing holds", `none.test.ts`)', /names no file of tests/],
  ["what stands in a source, but in no test", '("not tested", `wall.ts`)', /names no file of tests/],
  ["a title with a part that no test has", '("the … wall of … falls down", `wall.test.ts`)', /no test "the … wall/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.match(problemsWith(line).join("\n"), expected);
  });
}
