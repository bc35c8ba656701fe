import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import test from "node:test";

import { buildProgram } from "../program-bundle.ts";
import { makeTree } from "./tree.ts";

const FOLDER = "built/here";

/** Builds `src/main.ts` of a tree, writes the files and runs them elsewhere; answers with what the program printed. */
async function outputOf(root: string): Promise<string> {
  const { main, files } = await buildProgram(root, { input: "src/main.ts", folder: FOLDER });
  mkdirSync(join(root, FOLDER), { recursive: true });
  for (const [name, code] of files) writeFileSync(join(root, FOLDER, name), code);
  const { stdout, stderr, status } = spawnSync(process.execPath, [join(root, FOLDER, main)], {
    cwd: "/",
    encoding: "utf8",
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

test("modules of a bundle find what stands beside their sources, wherever the clone is", async () => {
  const root = makeTree({
    "package.json": { type: "module" },
    "src/main.ts": `import { word, where } from "./deep/part.ts";
// import.meta in a remark, and "import.meta.url" in a text, stay
console.log(word, where === import.meta.dirname + "/deep/part.ts", "import.meta.url");
`,
    "src/deep/part.ts": `import { readFileSync } from "node:fs";
export const where: string = import.meta.filename;
export const word = readFileSync(new URL("a word.txt", import.meta.url), "utf8");
`,
    "src/deep/a word.txt": "found",
  });
  assert.equal(await outputOf(root), "found true import.meta.url\n");
});

test("a part that is loaded later is a file of its own, and a change of any module is seen", async () => {
  const root = makeTree({
    "package.json": { type: "module" },
    "src/main.ts": 'console.log("main"); const { late } = await import("./late.ts"); console.log(late);\n',
    "src/late.ts": 'import { deep } from "./deep.ts"; console.log("late"); export const late = deep;\n',
    "src/deep.ts": 'export const deep: string = "deep";\n',
  });
  const { files, modules } = await buildProgram(root, { input: "src/main.ts", folder: FOLDER });
  assert.equal(files.size, 2);
  assert.deepEqual(modules.map((path) => basename(path)).toSorted(), ["deep.ts", "late.ts", "main.ts"]);
  assert.equal(await outputOf(root), "main\nlate\ndeep\n");
});

test("what would mean something else in a bundle fails the build", async () => {
  const elsewhere = 'console.log(import.meta.resolve("left-pad"));';
  for (const source of [
    "console.log(import.meta.main);",
    "console.log(import.meta);",
    'import "./none.ts";',
    'import "../other/part.ts";',
  ]) {
    const root = makeTree({ "src/main.ts": source, "other/part.ts": elsewhere });
    await assert.rejects(buildProgram(root, { input: "src/main.ts", folder: FOLDER }), source);
  }
});
