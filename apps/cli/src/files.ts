import { createReadStream } from "node:fs";
import type { Stats } from "node:fs";
import { lstat, open, rename, rm, writeFile } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { resolve } from "node:path";

import { quote } from "@berth/base";
import { makeFolders } from "@berth/host";

import { CliError } from "./errors.ts";

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";

/** More than any package, archive or input that Berth accepts; a device such as /dev/zero never ends. */
const MAX_INPUT_BYTES = 256 * 1_048_576;

/**
 * Reads a file, or standard input for `-`.
 *
 * @throws CliError CLI_FILE_UNREADABLE, CLI_FILE_TOO_LARGE
 */
export async function readInput(path: string): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let size = 0;
  try {
    const stream: AsyncIterable<Buffer> = path === "-" ? process.stdin : createReadStream(path);
    for await (const part of stream) {
      size += part.length;
      if (size > MAX_INPUT_BYTES) break;
      parts.push(part);
    }
  } catch (error) {
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(path, 200)} cannot be read (${codeOf(error)})`, {
      cause: error,
    });
  }
  if (size > MAX_INPUT_BYTES) {
    throw new CliError("CLI_FILE_TOO_LARGE", `${quote(path, 200)} is larger than ${MAX_INPUT_BYTES} bytes`);
  }
  return Buffer.concat(parts);
}

/** @throws CliError CLI_FILE_UNWRITABLE */
export async function makeFolder(path: string, mode = 0o755): Promise<void> {
  try {
    await makeFolders(path, mode);
  } catch (error) {
    throw new CliError("CLI_FILE_UNWRITABLE", `the folder ${quote(path, 200)} cannot be made (${codeOf(error)})`, {
      cause: error,
    });
  }
}

/** Writes a file so that a reader sees the old one or the new one. */
export async function writeWhole(path: string, bytes: Uint8Array | string, mode = 0o666): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    await writeFile(beside, bytes, { flag: "wx", mode });
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw new CliError("CLI_FILE_UNWRITABLE", `${quote(path, 200)} cannot be written (${codeOf(error)})`, {
      cause: error,
    });
  }
}

/**
 * Gives a file other content: a reader sees the old one or the new one, and mode, owner and group stay.
 *
 * @param before what was read; when somebody wrote anything else meanwhile, that stays
 * @throws CliError CLI_FILE_UNWRITABLE, also for a symbolic link: what it leads to is not what was named; and for a file
 *   whose owner and group the caller may not give to another one
 */
export async function rewriteFile(path: string, before: Uint8Array, after: Uint8Array): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  let isMade = false;
  try {
    const about = await lstat(path);
    if (!about.isFile()) throw new CliError("CLI_FILE_UNWRITABLE", `${quote(path, 200)} is not a regular file`);
    {
      await using file = await open(beside, "wx", 0o600);
      isMade = true;
      await file.writeFile(after);
      await keepOwner(file, about, path);
      await file.chmod(about.mode & 0o777);
      await file.sync();
    }
    if (Buffer.compare(await readInput(path), before) !== 0)
      throw new CliError("CLI_FILE_UNWRITABLE", `${quote(path, 200)} was changed by somebody else meanwhile`);
    await rename(beside, path);
  } catch (error) {
    if (isMade) await rm(beside, { force: true });
    if (error instanceof CliError) throw error;
    throw new CliError("CLI_FILE_UNWRITABLE", `${quote(path, 200)} cannot be written (${codeOf(error)})`, {
      cause: error,
    });
  }
}

/** Only the administrator gives files to others; a member of a group gives own files to the group. */
async function keepOwner(file: FileHandle, { uid, gid }: Stats, path: string): Promise<void> {
  try {
    await file.chown(uid, gid);
  } catch (error) {
    throw new CliError(
      "CLI_FILE_UNWRITABLE",
      `${quote(path, 200)} cannot be written so that it stays with user ${uid} and group ${gid} (${codeOf(error)})`,
      { cause: error },
    );
  }
}

/**
 * A folder that somebody named, absolute.
 *
 * @throws CliError CLI_USAGE for an empty name: an unset shell variable must not name the current folder
 */
export function resolveFolder(named: string, what: string): string {
  if (named === "") throw new CliError("CLI_USAGE", `expected ${what}, found nothing`);
  return resolve(named);
}

/** The one positional argument of a command. */
export function onlyArgument(args: readonly string[], what: string): string {
  const [first, ...rest] = args;
  if (first === undefined) throw new CliError("CLI_USAGE", `expected ${what}`);
  if (rest.length > 0) throw new CliError("CLI_USAGE", `expected only ${what}, found ${quote(rest[0])} too`);
  return first;
}
