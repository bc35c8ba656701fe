// Builds the files that run outside the development tree's modules: the sandbox host starts from one prebuilt
// JavaScript file (thirty small modules alone cost six times a bare start), the guest library is one script text, and
// the CLI and the programs of threads are a few files instead of hundreds.
//
//   node tools/build-runtime.ts [--force]
//
// The bootstrap calls it only when a file it read last time has changed; called directly, it asks the same question.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join, relative, sep } from "node:path";
import { STAMP, digestOf, isRuntimeFresh } from "./setup/runtime-stamp.mjs";
import { CLI_ENTRY, INPUT_LIST, TIMES, noteTimes, timesNow } from "./setup/runtime-times.mjs";
import { buildProgram } from "./program-bundle.ts";
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

/** Threads and processes of their own, each one file of its package; `programFile` of `base` finds them. */
const programs = [
  "packages/store/src/node-store-worker.ts",
  "packages/scanner/src/node-scan-thread.ts",
  "packages/host/src/schema/node-schema-worker.ts",
  "packages/host/src/scan/node-scan-worker.ts",
  "packages/host/src/discovery/node-discovery-worker.ts",
  "apps/registry/src/publish/inspecting-process.ts",
  "apps/registry/src/search/search-thread.ts",
] as const;

/** What was read and written, relative to the root. */
interface Built {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

async function buildSeparate(input: string): Promise<Built> {
  const folder = join(input.slice(0, input.indexOf("/src/")), "dist-runtime");
  const { files, modules } = await buildProgram(root, { input, folder, isWhole: true });
  for (const [name, code] of files) writeWhole(join(root, folder, name), code);
  return { inputs: inputsOf(modules), outputs: Array.from(files.keys(), (name) => join(folder, name)) };
}

/** The sources among the modules, and what says where imports lead: packages change with the lock file only. */
function inputsOf(modules: readonly string[]): string[] {
  const sources = modules.map((module) => relative(root, module)).filter((file) => !file.includes("node_modules"));
  const folders = sources.map((file) => file.split(`${sep}src${sep}`)).filter((parts) => parts.length > 1);
  const manifests = folders.map(([folder = ""]) => join(folder, "package.json"));
  return [...sources, ...new Set(manifests), "pnpm-lock.yaml", "tools/program-bundle.ts"];
}

/** Builds of the CLI that stay: a command that runs on, such as a host, loads parts of its own later. */
const KEPT_BUILDS = 20;
const CLI_BUILDS = "apps/cli/dist-runtime";

async function buildCli(): Promise<Built> {
  // One level below, since the folder of a build is named by what is in it.
  const built = await buildProgram(root, { input: "apps/cli/src/main.ts", folder: join(CLI_BUILDS, "build") });
  const hash = createHash("sha256");
  for (const [name, code] of built.files) hash.update(`${name}\0${code}\0`);
  const folder = join(CLI_BUILDS, hash.digest("hex").slice(0, 16));
  for (const [name, code] of built.files) writeWhole(join(root, folder, name), code);
  utimesSync(join(root, folder), new Date(), new Date());
  writeWhole(join(root, CLI_ENTRY), `${join(folder, built.main)}\n`);
  const builds = readdirSync(join(root, CLI_BUILDS)).map((name) => join(root, CLI_BUILDS, name));
  const byAge = builds.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs);
  for (const old of byAge.slice(KEPT_BUILDS)) rmSync(old, { recursive: true, force: true });
  // It knows files by their names, and would keep those of every build.
  try {
    rmSync(join(root, ".toolchain", "compile-cache"), { recursive: true, force: true });
  } catch {
    // Another command writes into it just now.
  }
  return { inputs: inputsOf(built.modules), outputs: Array.from(built.files.keys(), (name) => join(folder, name)) };
}

async function build(): Promise<void> {
  // Without them an interrupted build is repeated, although its inputs did not change.
  for (const stamp of [STAMP, TIMES]) rmSync(join(root, stamp), { force: true });
  const startedAt = Date.now();
  const outputs = new Set<string>();
  const files = new Set(["tools/build-runtime.ts", "tools/runtime-entry.ts", "node_modules/rolldown/package.json"]);
  for (const entry of entries) {
    const { code, modules } = await buildEntry(root, entry);
    writeWhole(join(root, entry.output), code);
    for (const module of modules) files.add(relative(root, module));
    outputs.add(entry.output);
  }
  for (const { input, output } of copies) {
    writeWhole(join(root, output), readFileSync(join(root, input)));
    files.add(input);
    outputs.add(output);
  }
  for (const { program, output } of writers) {
    execFileSync(process.execPath, [join(root, program)], { stdio: "inherit" });
    files.add(program);
    outputs.add(output);
  }
  for (const built of [...(await Promise.all(programs.map(buildSeparate))), await buildCli()]) {
    for (const file of built.inputs) files.add(file);
    for (const file of built.outputs) outputs.add(file);
  }
  const list = [...files, ...outputs].toSorted();
  writeWhole(join(root, INPUT_LIST), list.map((file) => `${file}\n`).join(""));
  const times = timesNow(root);
  const digest = digestOf(root, list);
  // What was saved meanwhile may have been read before: the next command builds again. The time of the change itself
  // counts, which nobody sets.
  const isSaved = (file: string): boolean => {
    const { ctimeMs } = statSync(join(root, file));
    return ctimeMs >= startedAt && ctimeMs <= Date.now();
  };
  if ([...files].some(isSaved)) return;
  writeWhole(join(root, STAMP), digest);
  if (times !== undefined) noteTimes(root, times);
}

if (process.argv.includes("--force") || !isRuntimeFresh(root)) await build();
