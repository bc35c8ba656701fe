// Builds the files that run outside the development tree's modules: the sandbox host starts from one prebuilt
// JavaScript file (thirty small modules alone cost six times a bare start), and the guest library is one script text.
//
//   node tools/build-runtime.ts [--force]
//
// The bootstrap calls it only when a file it read last time has changed; called directly, it asks the same question.
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { INPUT_LIST, STAMP, digestOf, isRuntimeFresh } from "./setup/runtime-stamp.mjs";
import { buildEntry } from "./runtime-entry.ts";
import type { RuntimeEntry } from "./runtime-entry.ts";

/** In build order. `external` names packages that stay imports, because they carry native code. */
const entries: readonly RuntimeEntry[] = [
  {
    input: "packages/guest/src/main.ts",
    output: "engines/isolate/dist-runtime/guest.js",
    format: "iife",
    name: "berthGuest",
  },
  {
    input: "engines/isolate/src/node-main.ts",
    output: "engines/isolate/dist-runtime/sandbox-host.mjs",
    format: "esm",
    external: ["isolated-vm"],
  },
];

const root = join(import.meta.dirname, "..");

function writeWhole(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  // A reader sees the old file or the new one, also when two builds run at once.
  const beside = `${path}.${process.pid}.new`;
  writeFileSync(beside, text);
  renameSync(beside, path);
}

async function build(): Promise<void> {
  // Without a stamp an interrupted build is repeated, although its inputs did not change.
  rmSync(join(root, STAMP), { force: true });
  const files = new Set(["tools/build-runtime.ts", "tools/runtime-entry.ts", "node_modules/rolldown/package.json"]);
  for (const entry of entries) {
    const { code, modules } = await buildEntry(root, entry);
    writeWhole(join(root, entry.output), code);
    for (const module of modules) files.add(relative(root, module));
    files.add(entry.output);
  }
  const list = [...files].toSorted();
  writeWhole(join(root, STAMP), digestOf(root, list));
  writeWhole(join(root, INPUT_LIST), list.map((file) => `${file}\n`).join(""));
}

if (process.argv.includes("--force") || !isRuntimeFresh(root)) await build();
