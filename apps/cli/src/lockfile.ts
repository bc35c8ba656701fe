import { access } from "node:fs/promises";

import { parseLockfile } from "@berth/resolver";
import type { Lockfile } from "@berth/resolver";

import { readInput } from "./files.ts";

/** In the folder where a command runs, as it belongs to the project there. */
export const LOCKFILE = "berth.lock";

/** @throws CliError CLI_FILE_UNREADABLE; ResolveError RESOLVE_LOCK_INVALID */
export async function readLockfile(file: string = LOCKFILE): Promise<Lockfile> {
  return parseLockfile(new TextDecoder().decode(await readInput(file)));
}

/** Like `readLockfile`; without a name, a missing file is no lock rather than a mistake. */
export async function readLockfileIfThere(file: string | undefined): Promise<Lockfile | undefined> {
  if (file !== undefined) return readLockfile(file);
  try {
    await access(LOCKFILE);
  } catch {
    return undefined; // No project with a lock here.
  }
  return readLockfile();
}
