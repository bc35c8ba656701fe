// Writes every generated file: error pages, the JSON Schemas of manifest and policy, the solution file of the compiler,
// the tables in the docs, and the public surface of each package.
import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { generatedFiles } from "./generated-files.ts";
import { SURFACE_FOLDER, publicSurfaces } from "./public-surface.ts";
import { root } from "./workspace.ts";

function writeFiles(files: ReadonlyMap<string, string>): void {
  for (const [file, text] of files) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
}

const emptyFolder = (folder: string): void => {
  mkdirSync(join(root, folder), { recursive: true });
  for (const name of readdirSync(join(root, folder))) rmSync(join(root, folder, name));
};

const files = await generatedFiles();
emptyFolder("docs/errors");
writeFiles(files);

// The compiler reads the solution file just written; the surfaces are read from what it declares.
const { status } = spawnSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-b"], {
  cwd: root,
  stdio: "inherit",
});
if (status !== 0) {
  process.stderr.write("the sources do not compile, so the public surfaces were left as they are\n");
  process.exit(1);
}
const surfaces = publicSurfaces();
emptyFolder(SURFACE_FOLDER);
writeFiles(surfaces);
process.stdout.write(`wrote ${files.size + surfaces.size} files\n`);
