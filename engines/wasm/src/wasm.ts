import { fileURLToPath } from "node:url";

import type { EngineDescriptor } from "@berth/sandbox";

const entryFile = (name: string): string => fileURLToPath(new URL(`../dist-runtime/${name}`, import.meta.url));
/** The process's own heap holds values under way; a module's memory is not in it. `gc` frees that of old instances. */
const NODE_FLAGS = ["--expose-gc", "--max-old-space-size=512"];

/**
 * WebAssembly plugins at levels where state may stay between calls, for
 * `openHost({ engines: [isolate(), wasm(), wasmFresh()] })`.
 */
export function wasm(): EngineDescriptor {
  return {
    name: "wasm",
    runtimes: ["wasm"],
    levels: ["minimal", "standard", "isolated"],
    entry: entryFile("sandbox-host.cjs"),
    files: [],
    nodeFlags: NODE_FLAGS,
  };
}

/**
 * WebAssembly plugins at strict, and at isolated those that say strict: a new instance for every call, one call at a
 * time in each process.
 */
export function wasmFresh(): EngineDescriptor {
  return {
    name: "wasm-fresh",
    runtimes: ["wasm"],
    levels: ["strict", "isolated"],
    entry: entryFile("sandbox-host-fresh.cjs"),
    files: [],
    nodeFlags: NODE_FLAGS,
    callsPerProcess: 1,
    isFresh: true,
  };
}
