import { createReadStream } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";

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

/** The one positional argument of a command. */
export function onlyArgument(args: readonly string[], what: string): string {
  const [first, ...rest] = args;
  if (first === undefined) throw new CliError("CLI_USAGE", `expected ${what}`);
  if (rest.length > 0) throw new CliError("CLI_USAGE", `expected only ${what}, found ${quote(rest[0])} too`);
  return first;
}
