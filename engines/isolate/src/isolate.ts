import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

import { sanitize } from "@berth/base";
import { LIBRARY_PARTS } from "@berth/guest";
import type { EngineDescriptor } from "@berth/sandbox";

type Addon = { readonly path: string } | { readonly missing: NonNullable<EngineDescriptor["missing"]> };

/** Searching for it reads some folders, once. */
let addon: Addon | undefined;

const builtFile = (name: string): string => fileURLToPath(new URL(`../dist-runtime/${name}`, import.meta.url));

/** The binary that isolated-vm would choose for this machine. It is not loaded here. */
function findAddon(): Addon {
  try {
    const main = createRequire(import.meta.url).resolve("isolated-vm");
    const { path } = createRequire(main)("node-gyp-build") as { path(folder: string): string };
    return { path: path(dirname(main)) };
  } catch (error) {
    const [why = "it cannot be found"] = (error instanceof Error ? error.message : String(error)).split("\n");
    return {
      missing: {
        // What isolated-vm searches by: npm's setting goes before the machine's own name.
        what: `a binary of isolated-vm for ${process.platform}-${process.env["npm_config_arch"] ?? process.arch}`,
        why: sanitize(why, 300),
        remedy:
          "isolated-vm has prebuilt binaries for Linux, macOS (arm64) and Windows (x64): install it anew on such a machine, or build it on this one (`npm rebuild isolated-vm`). Plugins at strict run without it.",
      },
    };
  }
}

/**
 * The V8 isolate engine, for `openHost({ engines: [isolate()] })`. Plain data: the isolates themselves
 * live in sandbox-host processes. Where isolated-vm has no binary for the machine, the descriptor says so, and a host
 * goes on with its other engines.
 */
export function isolate(): EngineDescriptor {
  addon ??= findAddon();
  return {
    name: "isolate",
    runtimes: ["javascript"],
    levels: ["minimal", "standard", "isolated"],
    entry: builtFile("sandbox-host.cjs"),
    files: [
      ...["guest.js", ...LIBRARY_PARTS.map((part) => `${part}.js`)].map((name) => ({ name, source: builtFile(name) })),
      ...("path" in addon ? [{ name: "isolated-vm.node", source: addon.path }] : []),
    ],
    ...("missing" in addon && { missing: addon.missing }),
    // isolated-vm cannot share V8's start-up snapshot with Node. The process's own heap holds values under way.
    nodeFlags: ["--no-node-snapshot", "--max-old-space-size=512"],
    streams: true,
  };
}
