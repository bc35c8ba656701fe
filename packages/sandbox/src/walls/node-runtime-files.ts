import { createRequire } from "node:module";

import { parseArguments } from "./sandbox-host-arguments.ts";
import type { SandboxHostArguments } from "./sandbox-host-arguments.ts";

/** What this process was told when it was started as a sandbox host. */
export const sandboxHostArguments = (): SandboxHostArguments => parseArguments(process.argv[2] ?? '{"files":{}}');

/** Where one of the sandbox host's files lies inside its wall. */
export function runtimeFile(name: string): string {
  const path = sandboxHostArguments().files[name];
  if (path === undefined) throw new Error(`this sandbox host was started without its file ${name}`);
  return path;
}

/** Loads a native addon that is one of the sandbox host's files. */
export function loadAddon(name: string): unknown {
  const path = runtimeFile(name);
  return createRequire(path)(path);
}
