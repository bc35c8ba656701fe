import assert from "node:assert/strict";
import test from "node:test";

import { checkBoundaries } from "../check-boundaries.ts";
import { makeTree } from "./tree.ts";

interface Change {
  /** Text of packages/trust/src/sign.ts, or of another file. */
  readonly source?: string;
  readonly file?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly references?: readonly string[];
  readonly edges?: Readonly<Record<string, readonly string[]>>;
}

/** What the check says about a small repository: trust may use base, and nothing else. */
function problemsWith(change: Change): string[] {
  const dependencies = change.dependencies ?? { "@berth/base": "workspace:*", semver: "1.0.0" };
  const references = change.references ?? ["../base"];
  return checkBoundaries(
    makeTree({
      "tools/boundaries.json": change.edges ?? { base: [], spec: ["base"], trust: ["base"] },
      "packages/base/package.json": { name: "@berth/base" },
      "packages/base/tsconfig.json": {},
      "packages/base/src/index.ts": "export const base = 1;\n",
      "packages/spec/package.json": { name: "@berth/spec" },
      "packages/spec/tsconfig.json": {},
      "packages/trust/package.json": { name: "@berth/trust", dependencies },
      "packages/trust/tsconfig.json": { references: references.map((path) => ({ path })) },
      [`packages/trust/src/${change.file ?? "sign.ts"}`]: change.source ?? 'import "@berth/base";\n',
    }),
  );
}

test("this repository keeps to its map", () => {
  assert.deepEqual(checkBoundaries(), []);
});

test("an import along an allowed edge is no problem", () => {
  assert.deepEqual(problemsWith({}), []);
  assert.deepEqual(problemsWith({ source: 'import { a } from "./other.ts";\nimport { valid } from "semver";\n' }), []);
  assert.deepEqual(problemsWith({ file: "node-sign.ts", source: 'import { open } from "node:fs";\n' }), []);
});

for (const [what, change, expected] of [
  ["statically", { source: 'import { a } from "@berth/spec";\n' }, /trust may not import @berth\/spec/],
  ["as a type", { source: 'import type { A } from "@berth/spec";\n' }, /trust may not import @berth\/spec/],
  ["as a type in place", { source: 'export type B = import("@berth/spec").A;\n' }, /trust may not import @berth\/spec/],
  ["dynamically", { source: 'export const a = await import("@berth/spec");\n' }, /trust may not import @berth\/spec/],
  ["by an export", { source: 'export { a } from "@berth/spec";\n' }, /trust may not import @berth\/spec/],
  ["by import and require", { source: 'import a = require("@berth/spec");\n' }, /trust may not import @berth\/spec/],
  ["by require", { source: 'export const a = require("@berth/spec");\n' }, /trust may not import @berth\/spec/],
  ["by its place", { source: 'export const a = import.meta.resolve("@berth/spec");\n' }, /may not import @berth\/spec/],
  ["by a computed name", { source: "export const a = await import(globalThis.name);\n" }, /a computed name/],
] as const) {
  test(`a forbidden package is found when it is imported ${what}`, () => {
    assert.match(problemsWith(change).join("\n"), expected);
  });
}

for (const [what, change, expected] of [
  ["a package that is not on the map", { edges: { base: [], spec: [] } }, /trust is not in tools\/boundaries\.json/],
  [
    "a dependency that the map forbids",
    { dependencies: { "@berth/base": "*", "@berth/spec": "*" }, references: ["../base", "../spec"] },
    /package\.json: trust may not depend on @berth\/spec/,
  ],
  ["a dependency without a reference", { references: [] }, /no reference to packages\/base/],
  ["a library that is not listed", { source: 'import "lodash/fp";\n' }, /lodash is not among the dependencies/],
  ["a library with a scope", { source: 'import "@x/y/z";\n' }, /@x\/y is not among the dependencies/],
  ["Node in a file without node- in its name", { source: 'import "node:fs";\n' }, /only files named node-\*\.ts/],
  ["Node without its prefix", { source: 'import "fs/promises";\n' }, /only files named node-\*\.ts/],
  ["Node as a type", { source: 'import type { Stats } from "node:fs";\n' }, /only files named node-\*\.ts/],
  ["a path out of the package", { source: 'import "../../base/src/index.ts";\n' }, /leaves the package/],
  ["a deep import", { source: 'import "@berth/base/src/quote.ts";\n' }, /reaches into a package/],
  ["a default export", { source: "export default 1;\n" }, /no default exports/],
  ["an export of everything", { source: 'export * from "./other.ts";\n' }, /export names one by one/],
  ["a file named utils", { file: "utils.ts" }, /name the file after what it holds/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.match(problemsWith(change).join("\n"), expected);
  });
}
