import { crc32, inflateRawSync } from "node:zlib";

import { deflateSync } from "fflate";

import { ArchiveError } from "./errors.ts";
import { ARCHIVE_LIMITS } from "./limits.ts";

/** The header of every package: no name, no time, unknown system (RFC 1952). */
export const GZIP_HEADER = new Uint8Array([0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0xff]);

const TRAILER_BYTES = 8;
/** Tar headers and padding beyond the files' own bytes: at most three headers for each entry. */
const OVERHEAD_BYTES = ARCHIVE_LIMITS.entries * 2_048;

export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

/**
 * Compresses into one gzip member. fflate is pure JavaScript and pinned: the zlib inside Node differs
 * between releases and gives other bytes for the same input.
 */
export function gzip(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const deflated = deflateSync(bytes, { level: 9 });
  const whole = new Uint8Array(GZIP_HEADER.length + deflated.length + TRAILER_BYTES);
  whole.set(GZIP_HEADER);
  whole.set(deflated, GZIP_HEADER.length);
  const trailer = new DataView(whole.buffer, whole.length - TRAILER_BYTES);
  trailer.setUint32(0, crc32(bytes), true);
  trailer.setUint32(4, bytes.length, true);
  return whole;
}

const invalid = (what: string): ArchiveError => new ArchiveError("ARCHIVE_GZIP_INVALID", `the gzip layer ${what}`);

/**
 * Inflates exactly one gzip member that spans all of `bytes`.
 *
 * @throws ArchiveError ARCHIVE_GZIP_INVALID, ARCHIVE_TRUNCATED, ARCHIVE_TRAILING_DATA, ARCHIVE_TOO_LARGE
 */
export function gunzip(bytes: Uint8Array): Uint8Array {
  const start = headerLength(bytes);
  const compressed = bytes.subarray(start);
  const largest = ARCHIVE_LIMITS.totalBytes + OVERHEAD_BYTES;
  const byRatio = Math.max(ARCHIVE_LIMITS.ratioFromBytes, compressed.length * ARCHIVE_LIMITS.ratio);
  const maxOutputLength = Math.min(largest, byRatio);
  let output: Uint8Array;
  let consumed: number;
  try {
    const result = inflateRawSync(compressed, { maxOutputLength, info: true }) as unknown as {
      buffer: Uint8Array;
      engine: { bytesWritten: number };
    };
    output = new Uint8Array(result.buffer.buffer, result.buffer.byteOffset, result.buffer.byteLength);
    consumed = result.engine.bytesWritten;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ERR_BUFFER_TOO_LARGE") {
      throw new ArchiveError(
        "ARCHIVE_TOO_LARGE",
        `the archive inflates to more than ${maxOutputLength} bytes from ${compressed.length}`,
      );
    }
    if (code === "Z_BUF_ERROR")
      throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends inside its compressed data");
    throw invalid("holds no valid compressed data");
  }
  const rest = compressed.length - consumed;
  if (rest < TRAILER_BYTES) throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends before its checksum");
  const trailer = new DataView(compressed.buffer, compressed.byteOffset + consumed, TRAILER_BYTES);
  if (trailer.getUint32(0, true) !== crc32(output)) throw invalid("has a wrong checksum");
  if (trailer.getUint32(4, true) !== output.length % 2 ** 32) throw invalid("has a wrong length");
  if (rest > TRAILER_BYTES) {
    throw new ArchiveError(
      "ARCHIVE_TRAILING_DATA",
      `${rest - TRAILER_BYTES} bytes follow the gzip member; exactly one member is read`,
    );
  }
  return output;
}

/** RFC 1952, section 2.3.1. Times, names and comments are skipped, reserved flags refused. */
function headerLength(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  if (bytes.length < GZIP_HEADER.length)
    throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends inside its gzip header");
  if (bytes[2] !== 8) throw invalid("is not compressed with deflate");
  if ((flags & 0xe0) !== 0) throw invalid("has reserved flags");
  let at = GZIP_HEADER.length;
  if ((flags & 0x04) !== 0) at += 2 + ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8));
  for (const flag of [0x08, 0x10]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends inside its gzip header");
    at = end + 1;
  }
  if ((flags & 0x02) !== 0) {
    const expected = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    if (at + 2 > bytes.length || expected !== (crc32(bytes.subarray(0, at)) & 0xffff))
      throw invalid("has a wrong header checksum");
    at += 2;
  }
  if (at > bytes.length) throw new ArchiveError("ARCHIVE_TRUNCATED", "the archive ends inside its gzip header");
  return at;
}
