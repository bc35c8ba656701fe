import { decodeUtf8, quote, utf8 } from "@berth/base";

import { ArchiveError } from "./errors.ts";

/** What an extended header may say of the next entry. */
export interface PaxRecords {
  readonly path: string | undefined;
  readonly size: number | undefined;
}

/** Keys by which some reader gives the entry another content, kind or name than its header does. */
const FORBIDDEN =
  /^(?:linkpath|hdrcharset|GNU\.(?:sparse|volume)\..*|SUN\.holesdata|SCHILY\.realsize|LIBARCHIVE\.symlinktype)$/;
const NUMBERS: ReadonlySet<string> = new Set(["size", "uid", "gid", "mtime", "atime", "ctime"]);

const invalid = (what: string): ArchiveError =>
  new ArchiveError("ARCHIVE_EXTENSION_INVALID", `an extended header ${what}`);

/**
 * Reads PAX records (POSIX.1-2001, "pax Extended Header"): `LENGTH KEY=VALUE\n`, length in decimal,
 * counting itself. Keys that change what an entry is are refused; others are ignored.
 *
 * @throws ArchiveError ARCHIVE_EXTENSION_INVALID
 */
export function parsePax(data: Uint8Array, isGlobal: boolean): PaxRecords {
  let path: string | undefined;
  let size: number | undefined;
  for (let at = 0; at < data.length;) {
    const space = data.indexOf(0x20, at);
    const digits = space < 0 || space - at > 8 ? "" : String.fromCharCode(...data.subarray(at, space));
    const end = at + Number(digits);
    if (!/^[1-9][0-9]*$/.test(digits) || end > data.length || end <= space + 1 || data[end - 1] !== 0x0a) {
      throw invalid("has a record of wrong length");
    }
    const record = decode(data.subarray(space + 1, end - 1));
    const equals = record.indexOf("=");
    if (equals < 1) throw invalid("has a record without a key");
    const key = record.slice(0, equals);
    const value = record.slice(equals + 1);
    if (record.includes("\0")) throw invalid(`has a NUL in its record ${quote(key)}`);
    if (FORBIDDEN.test(key)) throw invalid(`uses ${quote(key)}`);
    if (NUMBERS.has(key) && !/^-?[0-9]{1,32}(?:\.[0-9]{1,20})?$/.test(value))
      throw invalid(`has a ${key} that is no number: ${quote(value)}`);
    if (key === "path") {
      if (isGlobal) throw invalid("names a path for all entries");
      if (path !== undefined) throw invalid("names two paths");
      if (value === "") throw invalid("names an empty path");
      path = value;
    }
    if (key === "size") {
      if (isGlobal) throw invalid("names a size for all entries");
      if (size !== undefined) throw invalid("names two sizes");
      size = Number(value);
    }
    at = end;
  }
  return { path, size };
}

function decode(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes);
  } catch {
    throw invalid("is not UTF-8");
  }
}

/** One record that names a path. */
export function formatPaxPath(path: string): Uint8Array {
  const rest = utf8(` path=${path}\n`).length;
  // The length counts its own digits.
  let length = rest + String(rest).length;
  if (String(length).length + rest !== length) length = rest + String(length).length;
  return utf8(`${length} path=${path}\n`);
}
