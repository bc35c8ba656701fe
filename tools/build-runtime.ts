// Builds the files that run outside the development tree's modules: the sandbox host starts from one prebuilt
// JavaScript file (thirty small modules alone cost six times a bare start), and the guest library is one script text.
//
//   node tools/build-runtime.ts [--force]
//
// The bootstrap calls it only when a file it read last time has changed; called directly, it asks the same question.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { INPUT_LIST, STAMP, digestOf, isRuntimeFresh } from "./setup/runtime-stamp.mjs";
import { buildEntry } from "./runtime-entry.ts";
import type { RuntimeEntry } from "./runtime-entry.ts";

/** Parts of the guest library that are loaded when needed. Small, because at strict their text may be in every image. */
const parts = ["addresses", "base64", "cloning", "digests"].flatMap((part) =>
  ["isolate", "quickjs"].map((engine): RuntimeEntry => ({
    input: `packages/guest/src/web/${part}.ts`,
    output: `engines/${engine}/dist-runtime/${part}.js`,
    format: "iife",
    name: "berthPart",
    isMinified: true,
  })),
);

/** In build order. */
const entries: readonly RuntimeEntry[] = [
  ...parts,
  {
    input: "packages/sandbox/src/node-starter-main.ts",
    output: "packages/sandbox/dist-runtime/starter.cjs",
    format: "cjs",
  },
  {
    input: "engines/isolate/src/guest-main.ts",
    output: "engines/isolate/dist-runtime/guest.js",
    format: "iife",
    name: "berthGuest",
  },
  {
    input: "engines/isolate/src/node-main.ts",
    output: "engines/isolate/dist-runtime/sandbox-host.cjs",
    // 5 ms faster to start than a module, of some 50.
    format: "cjs",
    addons: { "isolated-vm": { file: "isolated-vm.node", member: "ivm" } },
  },
  {
    input: "engines/quickjs/src/guest-main.ts",
    output: "engines/quickjs/dist-runtime/guest.js",
    format: "iife",
    name: "berthGuest",
  },
  {
    input: "engines/quickjs/src/node-main.ts",
    output: "engines/quickjs/dist-runtime/sandbox-host.cjs",
    format: "cjs",
  },
  {
    input: "engines/wasm/src/node-main.ts",
    output: "engines/wasm/dist-runtime/sandbox-host.cjs",
    format: "cjs",
  },
  {
    input: "engines/wasm/src/node-main-fresh.ts",
    output: "engines/wasm/dist-runtime/sandbox-host-fresh.cjs",
    format: "cjs",
  },
];

/** Files of dependencies that stand beside the built ones, so that a sandbox host needs one folder only. */
const copies = [
  {
    input: "engines/quickjs/node_modules/quickjs-wasi/quickjs.wasm",
    output: "engines/quickjs/dist-runtime/quickjs.wasm",
  },
] as const;

/** Programs that write one more file from the built ones, each in a process of its own. */
const writers = [
  { program: "engines/quickjs/src/node-write-base.ts", output: "engines/quickjs/dist-runtime/base.image" },
] as const;

const root = join(import.meta.dirname, "..");

function writeWhole(path: string, text: string | Uint8Array): void {
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
  for (const { input, output } of copies) {
    writeWhole(join(root, output), readFileSync(join(root, input)));
    files.add(input).add(output);
  }
  for (const { program, output } of writers) {
    execFileSync(process.execPath, [join(root, program)], { stdio: "inherit" });
    files.add(program).add(output);
  }
  const list = [...files].toSorted();
  writeWhole(join(root, STAMP), digestOf(root, list));
  writeWhole(join(root, INPUT_LIST), list.map((file) => `${file}\n`).join(""));
}

if (process.argv.includes("--force") || !isRuntimeFresh(root)) await build();
