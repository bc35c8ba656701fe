import { fileURLToPath } from "node:url";

import { LIBRARY_PARTS } from "@berth/guest";
import type { EngineDescriptor } from "@berth/sandbox";

const builtFile = (name: string): string => fileURLToPath(new URL(`../dist-runtime/${name}`, import.meta.url));

/**
 * The strict engine, for `openHost({ engines: [isolate(), quickjs()] })`: QuickJS in WebAssembly, with fresh
 * state for every call; at isolated for plugins that say strict. Plain data: the machines themselves live in
 * sandbox-host processes.
 */
export function quickjs(): EngineDescriptor {
  return {
    name: "quickjs",
    runtimes: ["javascript"],
    levels: ["strict", "isolated"],
    entry: builtFile("sandbox-host.cjs"),
    files: ["guest.js", "quickjs.wasm", "base.image", ...LIBRARY_PARTS.map((part) => `${part}.js`)].map((name) => ({
      name,
      source: builtFile(name),
    })),
    // `gc` gives the memory of discarded machines back at once; nothing of it reaches a plugin.
    nodeFlags: ["--expose-gc", "--max-old-space-size=512"],
    streams: true,
    callsPerProcess: 1,
    isFresh: true,
  };
}
