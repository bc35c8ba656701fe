import { quote } from "@berth/base";

import { HttpError } from "./errors.ts";

/** First and last byte, both included. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/**
 * Reads a `Range` header for a file of `size` bytes (RFC 9110, section 14.1.2). `undefined` means the
 * whole file: no header, another unit, several ranges or a malformed one, all of which a server may ignore.
 *
 * @throws HttpError HTTP_RANGE_INVALID when no byte of the file lies in the range
 */
export function readByteRange(header: string | undefined, size: number): ByteRange | undefined {
  const [, from = "", to = ""] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? "") ?? [];
  if (from === "" && to === "") return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== "" && to !== "" && Number(to) < Number(from)) return undefined;
  if (first >= size || last < first)
    throw new HttpError("HTTP_RANGE_INVALID", `the range ${quote(header)} lies outside the ${size} bytes of the file`);
  return { first, last };
}
