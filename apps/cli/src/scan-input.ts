import { readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";

import { readPackage } from "@berth/archive";
import { quote } from "@berth/base";
import type { InputFile } from "@berth/scanner";

import { CliError } from "./errors.ts";
import { readInput } from "./files.ts";

/** What a path on the command line holds: one file, or the files of a package. */
export interface ScanInput {
  readonly isPackage: boolean;
  readonly files: readonly InputFile[];
}

const SKIPPED: ReadonlySet<string> = new Set(["node_modules", ".git"]);

/**
 * Reads a file, a plugin's folder, or a packed plugin.
 *
 * @throws CliError CLI_FILE_UNREADABLE; ArchiveError when a package is not one
 */
export async function readScanInput(path: string): Promise<ScanInput> {
  const about = await stat(path).catch((error: unknown) => {
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(path, 200)} cannot be read`, { cause: error });
  });
  if (about.isDirectory()) return { isPackage: true, files: await readFolder(path) };
  const bytes = await readInput(path);
  if (!path.endsWith(".berth")) return { isPackage: false, files: [{ path: basename(path), bytes }] };
  const files = Array.from(readPackage(bytes).files, ([name, file]) => ({ path: name, bytes: file.bytes }));
  return { isPackage: true, files };
}

async function readFolder(folder: string, below = ""): Promise<InputFile[]> {
  const entries = await readdir(join(folder, below), { withFileTypes: true });
  const files: InputFile[] = [];
  for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === "" ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) files.push(...(await readFolder(folder, path)));
    // Links are not followed: what they lead to is not part of the package.
    else if (entry.isFile()) files.push({ path, bytes: await readInput(join(folder, path)) });
  }
  return files;
}
