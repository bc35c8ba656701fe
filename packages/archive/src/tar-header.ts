import { quote } from "@berth/base";

import { ArchiveError } from "./errors.ts";

export const BLOCK = 512;

/** The fields of a header block that decide anything. Owner, times and device numbers are ignored. */
export interface TarHeader {
  readonly name: Uint8Array;
  readonly size: number;
  readonly mode: number;
  /** The type flag as a character; NUL reads as "0". */
  readonly type: string;
}

const invalid = (what: string): ArchiveError =>
  new ArchiveError("ARCHIVE_HEADER_INVALID", `an entry's header has ${what}`);

/**
 * Reads one header block (POSIX.1-1988 ustar, GNU and v7 layouts).
 *
 * @throws ArchiveError ARCHIVE_HEADER_INVALID
 */
export function parseTarHeader(block: Uint8Array): TarHeader {
  let sum = 0;
  for (let index = 0; index < BLOCK; index += 1) sum += index >= 148 && index < 156 ? 0x20 : (block[index] as number);
  if (octal(block.subarray(148, 156), "checksum") !== sum) throw invalid("a wrong checksum");
  const magic = String.fromCharCode(...block.subarray(257, 265));
  const isPosix = magic.startsWith("ustar\0");
  const isGnu = magic === "ustar  \0";
  const isV7 = block.subarray(257, 265).every((byte) => byte === 0);
  if (!isPosix && !isGnu && !isV7) throw invalid(`the unknown magic ${quote(magic)}`);
  const name = field(block.subarray(0, 100), "name");
  const link = field(block.subarray(157, 257), "link name");
  const type = String.fromCharCode(block[156] as number).replace("\0", "0");
  if (link.length > 0 && (type === "0" || type === "5")) throw invalid("a link name on an entry that is no link");
  // GNU keeps times where POSIX keeps the prefix; readers differ on text there, so it is refused.
  if (isGnu && (block[345] as number) !== 0) throw invalid("a prefix that only some readers would use");
  const prefix = isPosix ? field(block.subarray(345, 500), "prefix") : new Uint8Array(0);
  return {
    name: prefix.length === 0 ? name : new Uint8Array([...prefix, 0x2f, ...name]),
    size: octal(block.subarray(124, 136), "size"),
    mode: octal(block.subarray(100, 108), "mode"),
    type,
  };
}

/** Text up to the first NUL; what follows must be NUL too, or two readers see two names. */
function field(bytes: Uint8Array, what: string): Uint8Array {
  const end = bytes.indexOf(0);
  if (end < 0) return bytes;
  if (bytes.subarray(end).some((byte) => byte !== 0)) throw invalid(`text after the end of its ${what}`);
  return bytes.subarray(0, end);
}

/** Octal digits, padded with spaces or NULs. Base-256 numbers, signs and empty fields are refused. */
function octal(bytes: Uint8Array, what: string): number {
  const text = String.fromCharCode(...bytes);
  const match = /^ *([0-7]+)[ \0]*$/.exec(text);
  if (match === null) throw invalid(`a ${what} that is no octal number: ${quote(text)}`);
  return Number.parseInt(match[1] as string, 8);
}

/** Writes a header in ustar layout: no owner, no times. */
export function formatTarHeader(name: Uint8Array, size: number, mode: number, type: string): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => {
    for (let index = 0; index < text.length; index += 1) block[at + index] = text.charCodeAt(index);
  };
  block.set(name, 0);
  put(100, `${mode.toString(8).padStart(7, "0")}\0`);
  put(108, "0000000\0");
  put(116, "0000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0`);
  put(136, "00000000000\0");
  put(148, "        ");
  put(156, type);
  put(257, "ustar\x0000");
  let sum = 0;
  for (const byte of block) sum += byte;
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
