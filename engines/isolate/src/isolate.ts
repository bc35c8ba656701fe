import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { LIBRARY_PARTS } from "@berth/guest";
import type { EngineDescriptor } from "@berth/sandbox";

/** Searching for it reads some folders, once. */
let addon: string | undefined;

const builtFile = (name: string): string => fileURLToPath(new URL(`../dist-runtime/${name}`, import.meta.url));

/** The binary that isolated-vm would choose for this machine. It is not loaded here. */
function addonPath(): string {
  const main = createRequire(import.meta.url).resolve("isolated-vm");
  const { path } = createRequire(main)("node-gyp-build") as { path(folder: string): string };
  return path(dirname(main));
}

/**
 * The V8 isolate engine, for `openHost({ engines: [isolate()] })`. Plain data: the isolates themselves
 * live in sandbox-host processes.
 */
export function isolate(): EngineDescriptor {
  return {
    name: "isolate",
    runtimes: ["javascript"],
    levels: ["minimal", "standard", "isolated"],
    entry: builtFile("sandbox-host.cjs"),
    files: [
      ...["guest.js", ...LIBRARY_PARTS.map((part) => `${part}.js`)].map((name) => ({ name, source: builtFile(name) })),
      { name: "isolated-vm.node", source: (addon ??= addonPath()) },
    ],
    // isolated-vm cannot share V8's start-up snapshot with Node. The process's own heap holds values under way.
    nodeFlags: ["--no-node-snapshot", "--max-old-space-size=512"],
    streams: true,
  };
}
