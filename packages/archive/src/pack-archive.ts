import { concatBytes, utf8 } from "@berth/base";

import { gzip } from "./node-gzip.ts";
import { formatPaxPath } from "./pax.ts";
import { readArchive } from "./read-archive.ts";
import { BLOCK, formatTarHeader } from "./tar-header.ts";

/** A file to be packed. */
export interface PackEntry {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Default 0o644. */
  readonly mode?: 0o644 | 0o755;
}

const MAX_NAME_BYTES = 100;
const isPlainName = (path: string): boolean => /^[\x20-\x7e]+$/.test(path) && path.length <= MAX_NAME_BYTES;

/** Files as a tar: the given order, no owners, no times. The same files give the same bytes everywhere. */
export function formatTar(entries: readonly PackEntry[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const add = (name: string, bytes: Uint8Array, mode: number, type: string): void => {
    parts.push(formatTarHeader(utf8(name), bytes.length, mode, type), bytes);
    parts.push(new Uint8Array((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  };
  for (const { path, bytes, mode = 0o644 } of entries) {
    if (isPlainName(path)) {
      add(path, bytes, mode, "0");
    } else {
      add("PaxHeader", formatPaxPath(path), 0o644, "x");
      add("PaxEntry", bytes, mode, "0");
    }
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return concatBytes(parts);
}

/**
 * Packs files into a tar in one gzip member, and reads the result with the same checks as any archive
 * from outside.
 *
 * @throws ArchiveError when the result would be refused, for example because of a file's name
 */
export function packArchive(entries: readonly PackEntry[]): Uint8Array<ArrayBuffer> {
  const bytes = gzip(formatTar(entries));
  readArchive(bytes);
  return bytes;
}
