import { readFile, rename, rm, writeFile } from "node:fs/promises";

import { quote } from "@berth/base";

import { CliError } from "./errors.ts";

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";

/** @throws CliError CLI_FILE_UNREADABLE */
export async function readInput(path: string): Promise<Uint8Array> {
  try {
    return path === "-" ? await readStandardInput() : await readFile(path);
  } catch (error) {
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(path, 200)} cannot be read (${codeOf(error)})`, {
      cause: error,
    });
  }
}

async function readStandardInput(): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  for await (const part of process.stdin as AsyncIterable<Buffer>) parts.push(part);
  return Buffer.concat(parts);
}

/** Writes a file so that a reader sees the old one or the new one. */
export async function writeWhole(path: string, bytes: Uint8Array | string): Promise<void> {
  const beside = `${path}.${process.pid}.new`;
  try {
    await writeFile(beside, bytes, { flag: "wx" });
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
