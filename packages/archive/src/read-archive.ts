import { decodeUtf8, quote } from "@berth/base";

import { PathRegister, verifyEntryPath } from "./entry-path.ts";
import { ArchiveError } from "./errors.ts";
import { ARCHIVE_LIMITS } from "./limits.ts";
import { gunzip, isGzip } from "./node-gzip.ts";
import { parsePax } from "./pax.ts";
import { BLOCK, parseTarHeader } from "./tar-header.ts";

/** A file or folder. Modes are 0o755 for folders and executables, else 0o644, whatever the archive says. */
export interface ArchiveEntry {
  readonly path: string;
  readonly kind: "file" | "folder";
  readonly mode: 0o644 | 0o755;
  /** A view into the archive; empty for folders. */
  readonly bytes: Uint8Array;
}

/**
 * The first pass over an archive: reads and checks all of it, writes nothing. A plain tar, or a tar in
 * exactly one gzip member; files and folders only; names that are safe and distinct on every system.
 * Anything else refuses the whole archive.
 *
 * @throws ArchiveError with the reason; always of kind `input`
 */
export function readArchive(bytes: Uint8Array): { readonly entries: readonly ArchiveEntry[] } {
  return { entries: readTar(isGzip(bytes) ? gunzip(bytes) : bytes) };
}

/** What extended headers said of the entry that follows. */
interface Pending {
  readonly name: string;
  readonly size: number | undefined;
  readonly from: "pax" | "gnu";
}

export function readTar(tar: Uint8Array): readonly ArchiveEntry[] {
  const entries: ArchiveEntry[] = [];
  const paths = new PathRegister();
  let pending: Partial<Pending> & { has?: true } = {};
  let total = 0;
  let at = 0;
  for (;;) {
    if (at + BLOCK > tar.length) {
      if (at === 0)
        throw new ArchiveError("ARCHIVE_NOT_AN_ARCHIVE", `expected a tar or a gzipped tar, found ${tar.length} bytes`);
      throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends without its end mark");
    }
    const block = tar.subarray(at, at + BLOCK);
    if (isZero(block)) break;
    const header = readHeader(block, at);
    const bodyAt = at + BLOCK;
    const bodyEnd = bodyAt + header.size;
    if (bodyEnd > tar.length)
      throw new ArchiveError(
        "ARCHIVE_TRUNCATED",
        `an entry announces ${header.size} bytes, more than the archive has left`,
      );
    const body = tar.subarray(bodyAt, bodyEnd);
    at = bodyAt + Math.ceil(header.size / BLOCK) * BLOCK;
    if (at > tar.length) throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends inside the padding of an entry");
    switch (header.type) {
      case "x":
      case "g":
      case "L":
        pending = takeExtension(header.type, body, pending);
        break;
      case "0":
      case "5": {
        const entry = makeEntry(header, body, pending);
        pending = {};
        paths.add(entry.path, entry.kind);
        entries.push(entry);
        total += entry.bytes.length;
        if (entries.length > ARCHIVE_LIMITS.entries) throw tooLarge(`more than ${ARCHIVE_LIMITS.entries} entries`);
        if (total > ARCHIVE_LIMITS.totalBytes) throw tooLarge(`more than ${ARCHIVE_LIMITS.totalBytes} bytes of files`);
        break;
      }
      default:
        throw new ArchiveError(
          "ARCHIVE_ENTRY_TYPE",
          `an entry has the type ${quote(header.type)}; only files and folders are read`,
        );
    }
  }
  if (pending.has === true)
    throw new ArchiveError("ARCHIVE_EXTENSION_INVALID", "an extended header stands before the end instead of an entry");
  if (!isZero(tar.subarray(at)))
    throw new ArchiveError("ARCHIVE_TRAILING_DATA", "something follows the end mark of the archive");
  if (entries.length === 0) throw new ArchiveError("ARCHIVE_EMPTY", "the archive has no entry");
  return entries;
}

const tooLarge = (what: string): ArchiveError => new ArchiveError("ARCHIVE_TOO_LARGE", `the archive has ${what}`);

const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0);

function readHeader(block: Uint8Array, at: number): ReturnType<typeof parseTarHeader> {
  try {
    return parseTarHeader(block);
  } catch (error) {
    // The first block decides whether this is a tar at all.
    if (at > 0) throw error;
    throw new ArchiveError(
      "ARCHIVE_NOT_AN_ARCHIVE",
      `expected a tar or a gzipped tar: ${error instanceof Error ? error.message : ""}`,
    );
  }
}

function takeExtension(
  type: "x" | "g" | "L",
  body: Uint8Array,
  before: Partial<Pending> & { has?: true },
): Partial<Pending> & { has?: true } {
  if (body.length > ARCHIVE_LIMITS.extensionBytes) {
    throw new ArchiveError(
      "ARCHIVE_EXTENSION_INVALID",
      `an extended header has ${body.length} bytes, at most ${ARCHIVE_LIMITS.extensionBytes} are read`,
    );
  }
  if (type === "g") {
    parsePax(body, true);
    return before;
  }
  if (before.has === true) throw new ArchiveError("ARCHIVE_EXTENSION_INVALID", "an entry has two extended headers");
  if (type === "x") {
    const { path, size } = parsePax(body, false);
    return { has: true, ...(path !== undefined && { name: path }), size, from: "pax" };
  }
  const end = body.indexOf(0);
  const text = end < 0 ? body : body.subarray(0, end);
  if (end >= 0 && !isZero(body.subarray(end)))
    throw new ArchiveError("ARCHIVE_EXTENSION_INVALID", "a long name holds a NUL");
  return { has: true, name: decodeName(text), size: undefined, from: "gnu" };
}

function makeEntry(
  header: ReturnType<typeof parseTarHeader>,
  body: Uint8Array,
  pending: Partial<Pending>,
): ArchiveEntry {
  const name = pending.name ?? decodeName(header.name);
  if (pending.size !== undefined && pending.size !== header.size) {
    throw new ArchiveError(
      "ARCHIVE_EXTENSION_INVALID",
      `the entry ${quote(name)} has two sizes, ${header.size} and ${pending.size}`,
    );
  }
  const kind = header.type === "5" ? "folder" : "file";
  if (kind === "folder" && header.size > 0)
    throw new ArchiveError("ARCHIVE_HEADER_INVALID", `the folder ${quote(name)} has a body`);
  if (kind === "file" && name.endsWith("/"))
    throw new ArchiveError("ARCHIVE_PATH_INVALID", `the file ${quote(name)} has the name of a folder`);
  const path = kind === "folder" && name.endsWith("/") ? name.slice(0, -1) : name;
  verifyEntryPath(path);
  const isExecutable = (header.mode & 0o111) !== 0;
  return { path, kind, mode: kind === "folder" || isExecutable ? 0o755 : 0o644, bytes: body };
}

function decodeName(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw new ArchiveError("ARCHIVE_PATH_INVALID", "the name of an entry is not UTF-8");
  }
}
