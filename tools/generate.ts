// Writes every generated file: error pages, the manifest's JSON Schema, the solution file of the compiler.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { generatedFiles } from "./generated-files.ts";
import { root } from "./workspace.ts";

const files = await generatedFiles();
for (const name of readdirSync(join(root, "docs/errors"))) rmSync(join(root, "docs/errors", name));
for (const [file, text] of files) {
  mkdirSync(dirname(join(root, file)), { recursive: true });
  writeFileSync(join(root, file), text);
}
process.stdout.write(`wrote ${files.size} files\n`);
