import { constants } from "node:fs";
import { mkdir, open, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { quote } from "@berth/base";

import { HostError } from "./errors.ts";

/**
 * The system's own code for a failure, such as ENOSPC or EACCES, for a message.
 *
 * Failures that came out of another thread have lost their code, and begin with it.
 */
export function systemCodeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return /^E[A-Z0-9]+(?=: )/.exec(message)?.[0] ?? code ?? "unknown";
}

/**
 * Makes a folder and those above it, where they are missing.
 *
 * Node's own recursive way never ends where the system says ENOENT of a folder that it will not make, as
 * below /proc.
 *
 * @throws Error of node:fs
 */
export async function makeFolders(path: string, mode: number): Promise<void> {
  if (await tryMakeFolder(path, mode)) return;
  await makeFolders(dirname(path), mode);
  await mkdir(path, { mode }).catch(ignoreExisting);
}

/** Answers whether there is something at the path now; false when the folder above it is missing. */
async function tryMakeFolder(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode }).catch(ignoreExisting);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === "ENOENT" && dirname(path) !== path) return false;
    throw error;
  }
}

function ignoreExisting(error: unknown): void {
  if (systemCodeOf(error) !== "EEXIST") throw error;
}

/**
 * Makes the data directory where it is missing, and refuses one that others could reach into: whoever writes
 * there decides what is installed and trusted.
 *
 * @throws HostError HOST_DATA_DIR_OPEN; Error of node:fs
 */
export async function prepareDataDir(path: string): Promise<void> {
  await makeFolders(path, 0o700);
  await verifyOwn(path);
  await keepOutOfGit(path);
}

async function verifyOwn(path: string): Promise<void> {
  // Windows has no such mode bits; there the folder's access list decides.
  if (process.platform === "win32") return;
  const { uid, mode } = await stat(path);
  const self = process.geteuid?.();
  if (uid !== self) {
    throw new HostError(
      "HOST_DATA_DIR_OPEN",
      `the data directory ${quote(path, 200)} belongs to the user ${uid}, this process is ${self}`,
      { hint: "Run as that user, or name another data directory." },
    );
  }
  if ((mode & 0o022) !== 0) {
    throw new HostError(
      "HOST_DATA_DIR_OPEN",
      `the data directory ${quote(path, 200)} has mode ${(mode & 0o7777).toString(8)}: others may write to it`,
      { hint: `chmod go-w ${quote(path, 200)}` },
    );
  }
}

/** Keys and secrets in a data directory that lies in somebody's project are not to be committed with it. */
export async function keepOutOfGit(dataDir: string): Promise<void> {
  await writeFile(join(dataDir, ".gitignore"), "*\n", { flag: "wx", mode: 0o600 }).catch(ignoreExisting);
}

/** Writes down who owns the directory, for the message to others. A link in its place is not followed. */
export async function writeOwner(dataDir: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  const file = await open(ownerFileOf(dataDir), flags, 0o600);
  try {
    await file.writeFile(`${process.pid}\n`);
  } finally {
    await file.close();
  }
}

export const ownerFileOf = (dataDir: string): string => join(dataDir, "owner.pid");
