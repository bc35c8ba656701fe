import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

import type { MachineFacts } from "./machine-facts.ts";
import type { Missing } from "./wall.ts";

/** Absolute path of a program, found by the given search path; `undefined` when it is not there. */
export async function findProgram(name: string, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter)) {
    if (!isAbsolute(folder)) continue;
    const path = join(folder, name);
    try {
      await access(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** What makes namespaces on this machine: the absolute path of bubblewrap, or why it cannot be used. */
export async function findBubblewrap(facts: MachineFacts, searchPath: string): Promise<string | Missing> {
  if (facts.platform !== "linux" || (facts.arch !== "x64" && facts.arch !== "arm64"))
    return {
      what: "namespaces and system-call filters",
      why: `this is ${facts.platform} on ${facts.arch}`,
      remedy: "Run the host on Linux on x64 or arm64, for example in a virtual machine.",
    };
  return (
    (await findProgram("bwrap", searchPath)) ?? {
      what: "bubblewrap",
      why: "there is no bwrap on the search path",
      remedy: "apt install bubblewrap (or dnf, apk, pacman).",
    }
  );
}

/** Since Linux 5.14 a limit on processes counts within a user namespace; before, all processes of the user. */
export function countsWithinNamespaces({ kernel: [major, minor] }: MachineFacts): boolean {
  return major > 5 || (major === 5 && minor >= 14);
}
