import { createHash } from "node:crypto";
import { appendFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { isCodedError, quote } from "@berth/base";
import type { InputFile, ScanPool } from "@berth/scanner";
import type { ScanResult } from "@berth/spec";
import { tryParseScanReport } from "@berth/spec";

import { CliError } from "./errors.ts";
import { writeWhole } from "./files.ts";
import { readScanInput } from "./scan-input.ts";

/** One line of the state file: what a package with this content got under this scanner. */
interface Kept {
  readonly name: string;
  readonly content: string;
  readonly scanner: string;
  readonly result: ScanResult;
}

export interface CatalogueScan {
  readonly results: readonly ScanResult[];
  /** Packages whose result was taken over, because neither they nor the scanner changed. */
  readonly kept: number;
  /** Entries that are no readable packages, with the reason. */
  readonly refused: readonly { readonly path: string; readonly code: string; readonly message: string }[];
}

/**
 * Scans every package of a folder: packed plugins and plugins' folders, by name. Each result is written
 * to the state file at once, so that an interrupted scan goes on where it was, and the next one looks
 * only at packages that changed, or at all of them when the scanner did.
 *
 * @throws CliError CLI_FILE_UNREADABLE, CLI_FILE_UNWRITABLE
 */
export async function scanCatalogue(
  { folder, stateFile, scanner }: { folder: string; stateFile: string; scanner: string },
  pool: ScanPool,
  say: (line: string) => void,
): Promise<CatalogueScan> {
  const before = await readState(stateFile);
  const after: Kept[] = [];
  const refused: { path: string; code: string; message: string }[] = [];
  let kept = 0;
  const names = await entriesOf(folder);
  for (const [index, name] of names.entries()) {
    let files: readonly InputFile[];
    try {
      ({ files } = await readScanInput(join(folder, name)));
    } catch (error) {
      if (!isCodedError(error)) throw error;
      refused.push({ path: name, code: error.code, message: error.message });
      continue;
    }
    const content = contentOf(files);
    const known = before.get(name);
    if (known !== undefined && known.content === content && known.scanner === scanner) {
      after.push(known);
      kept += 1;
      continue;
    }
    const line: Kept = { name, content, scanner, result: await pool.scanPackage(name, files) };
    after.push(line);
    await appendFile(stateFile, `${JSON.stringify(line)}\n`).catch((error: unknown) => {
      throw new CliError("CLI_FILE_UNWRITABLE", `${quote(stateFile, 200)} cannot be written`, { cause: error });
    });
    say(`${index + 1} of ${names.length}: ${name} ${line.result.verdict}`);
  }
  // What is no longer there, and older lines of the same package, go.
  await writeWhole(stateFile, after.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return { results: after.map(({ result }) => result), kept, refused };
}

async function entriesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(folder, 200)} is not a folder that can be read`, {
      cause: error,
    });
  });
  return entries
    .filter((entry) => entry.isDirectory() || (entry.isFile() && entry.name.endsWith(".berth")))
    .map(({ name }) => name)
    .toSorted();
}

/** The last line of each package that is whole; a line that was cut off by an interruption does not count. */
async function readState(file: string): Promise<Map<string, Kept>> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw new CliError("CLI_FILE_UNREADABLE", `${quote(file, 200)} cannot be read`, { cause: error });
  });
  const lines = text.split("\n").flatMap((line) => tryParseKept(line) ?? []);
  return new Map(lines.map((line) => [line.name, line]));
}

function tryParseKept(line: string): Kept | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Cut off, or not ours: the package is scanned again.
    return undefined;
  }
  if (typeof value !== "object" || value === null) return undefined;
  const { name, content, scanner, result } = value as Record<string, unknown>;
  const report = tryParseScanReport({ results: [result] });
  if (typeof name !== "string" || typeof content !== "string" || typeof scanner !== "string") return undefined;
  return report?.results[0] === undefined ? undefined : { name, content, scanner, result: report.results[0] };
}

/** SHA-256 over paths and contents, in the order of paths. */
function contentOf(files: readonly InputFile[]): string {
  const hash = createHash("sha256");
  for (const { path, bytes } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${JSON.stringify(path)} ${bytes.length} `).update(bytes);
  return `sha256:${hash.digest("hex")}`;
}
