import { constants } from "node:fs";
import type { Stats } from "node:fs";
import { access, lstat, open, readlink, realpath } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

import { quote } from "@berth/base";

import { HostError } from "../errors.ts";

/** As many links as the kernel follows (path_resolution(7)). */
const MAX_LINKS = 40;
const OTHERS_MAY_WRITE = 0o022;
const OTHERS_MAY_RUN = 0o001;
const ELF_MAGIC = "\u007fELF";
const SCRIPT_MAGIC = "#!";

/** Where programs may be, and for whom they must be. */
export interface ProgramPlaces {
  readonly folders: readonly string[];
  /** Whether they run as a user who owns nothing. */
  readonly hasOwnUser: boolean;
}

/**
 * Refuses a program that somebody else than root and the host's own user could have put there: it must lie in one of
 * the folders, and every folder on the way to it and to the links that lead to it must be theirs alone. So a link
 * leads elsewhere than at the time of consent only when they said so, as an update of the system does.
 *
 * @throws HostError BROKER_EXEC_REFUSED
 */
export async function verifyProgram(program: string, { folders, hasOwnUser }: ProgramPlaces): Promise<void> {
  const refuse = (why: string): never => {
    throw new HostError("BROKER_EXEC_REFUSED", `exec.run: the program ${quote(program)} ${why}`);
  };
  if (!program.startsWith("/") || resolve(program) !== program)
    refuse('is not named by an absolute path without ".", ".." and "//"');
  const isHeld = (path: string): boolean => folders.some((folder) => path.startsWith(`${folder}/`));
  const outside = "lies neither in /usr nor in one of the policy's programFolders";
  if (!isHeld(program)) refuse(outside);
  try {
    const real = await resolveTrusted(program, refuse);
    if (!isHeld(real)) refuse(outside);
    const found = await lstat(real);
    if (!found.isFile()) refuse("is no file");
    refuseForeign(real, found, refuse);
    if (hasOwnUser ? (found.mode & OTHERS_MAY_RUN) === 0 : !(await mayRun(real))) refuse("may not be run");
    // Without either, whoever runs a file hands it to a shell.
    if (!(await hasInterpreter(real))) refuse("is neither a program nor a script that names its interpreter");
  } catch (error) {
    if (error instanceof HostError) throw error;
    refuse(`cannot be looked at (${(error as NodeJS.ErrnoException).code ?? "unknown"})`);
  }
}

async function resolveTrusted(program: string, refuse: (why: string) => never): Promise<string> {
  let at = program;
  for (let links = 0; links < MAX_LINKS; links += 1) {
    const folder = await realpath(dirname(at));
    for (let above = folder; ; above = dirname(above)) {
      refuseForeign(above, await lstat(above), refuse);
      if (above === dirname(above)) break;
    }
    const path = join(folder, basename(at));
    if (!(await lstat(path)).isSymbolicLink()) return path;
    at = resolve(folder, await readlink(path));
  }
  return refuse("is reached through too many links");
}

function refuseForeign(path: string, { uid, mode }: Stats, refuse: (why: string) => never): void {
  if (uid !== 0 && uid !== process.getuid?.()) refuse(`is not safe: ${quote(path)} belongs to user ${uid}`);
  if ((mode & OTHERS_MAY_WRITE) !== 0) refuse(`is not safe: others may write to ${quote(path)}`);
}

const mayRun = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

async function hasInterpreter(path: string): Promise<boolean> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const { bytesRead, buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  const head = buffer.toString("latin1", 0, bytesRead);
  return head === ELF_MAGIC || head.startsWith(SCRIPT_MAGIC);
}
