import assert from "node:assert/strict";
import { basename } from "node:path";
import test from "node:test";
import { runInNewContext } from "node:vm";

import { buildEntry } from "../runtime-entry.ts";
import { makeTree } from "./tree.ts";

test("an entry becomes one script that leaves its exports in one variable", async () => {
  const root = makeTree({
    "a.ts": 'import { b } from "./b.ts";\nexport const a: number = b + 1;\n',
    "b.ts": "export const b = 1;\n",
  });
  const { code, modules } = await buildEntry(root, { input: "a.ts", output: "a.js", format: "iife", name: "built" });
  assert.equal(runInNewContext(`${code}; built.a`), 2);
  // `b` is written into the script as a number; a change of it must be seen all the same.
  assert.deepEqual(modules.map((path) => basename(path)).toSorted(), ["a.ts", "b.ts"]);
});

test("an import that leads nowhere fails the build, not the sandbox later", async () => {
  for (const source of ['import "./none.ts";\n', 'import "left-pad-that-is-not-here";\n', 'import "node:fs";\n']) {
    const root = makeTree({ "a.ts": source });
    await assert.rejects(buildEntry(root, { input: "a.ts", output: "a.js", format: "iife", name: "built" }), source);
  }
});
