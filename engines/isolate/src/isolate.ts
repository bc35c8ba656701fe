import { fileURLToPath } from "node:url";

import type { EngineDescriptor } from "@berth/sandbox";

/**
 * The V8 isolate engine, for `openHost({ engines: [isolate()] })`. Plain data: the isolates themselves
 * live in sandbox-host processes.
 */
export function isolate(): EngineDescriptor {
  return {
    name: "isolate",
    runtimes: ["javascript"],
    levels: ["minimal", "standard"],
    entry: fileURLToPath(new URL("../dist-runtime/sandbox-host.mjs", import.meta.url)),
    // isolated-vm cannot share V8's start-up snapshot with Node. The process's own heap holds values under way.
    nodeFlags: ["--no-node-snapshot", "--max-old-space-size=512"],
  };
}
