import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import type { RuntimeFile } from "./wall.ts";

/** The file name under which a sandbox host finds koffi, by which it makes the system calls that Node has no name for. */
export const FOREIGN_FUNCTIONS_FILE = "koffi.node";

/** koffi's binary for this machine, or `undefined` where there is none. It is not loaded here. */
export function foreignFunctionsFile(interpreter: string): RuntimeFile | undefined {
  const libc = interpreter.includes("ld-musl") ? "musl" : "linux";
  try {
    const main = createRequire(import.meta.url).resolve(`@koromix/koffi-linux-${process.arch}`);
    return {
      name: FOREIGN_FUNCTIONS_FILE,
      source: join(dirname(main), `${libc}_${process.arch}`, FOREIGN_FUNCTIONS_FILE),
    };
  } catch {
    return undefined; // An optional dependency, which exists for Linux on x64 and arm64 only.
  }
}
