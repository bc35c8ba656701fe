import { canonicalJson, decodeUtf8, formatBase64, tryParseBase64, utf8 } from "@berth/base";
import type { Json } from "@berth/base";

import { HttpError } from "./errors.ts";

/** Where the next page starts: whole numbers whose meaning only the maker of the cursor knows. */
export type CursorPosition = readonly number[];

const MAX_CURSOR_LENGTH = 500;

/**
 * A cursor is readable and carries no right: whoever edits one gets another page of what everybody may
 * see. It holds the digest of the query, so that it cannot be taken to another one by mistake.
 */
export function formatCursor(queryDigest: string, position: CursorPosition): string {
  return toUrlSafe(formatBase64(utf8(canonicalJson([queryDigest, ...position]))));
}

/**
 * Reads a cursor of this query with so many numbers.
 *
 * @throws HttpError HTTP_CURSOR_INVALID
 */
export function parseCursor(text: string, queryDigest: string, count: number): number[] {
  const value = tryParse(text);
  if (!Array.isArray(value) || value.length !== count + 1)
    throw new HttpError("HTTP_CURSOR_INVALID", "the cursor is not one that this server made");
  const [digest, ...position] = value as Json[];
  if (digest !== queryDigest)
    throw new HttpError("HTTP_CURSOR_INVALID", "the cursor belongs to another query than the one it came with");
  if (!position.every((part) => Number.isSafeInteger(part) && (part as number) >= 0))
    throw new HttpError("HTTP_CURSOR_INVALID", "the cursor holds something other than whole numbers");
  return position as number[];
}

function tryParse(text: string): unknown {
  if (text.length > MAX_CURSOR_LENGTH) return undefined;
  const bytes = tryParseBase64(fromUrlSafe(text));
  if (bytes === undefined) return undefined;
  try {
    return JSON.parse(decodeUtf8(bytes));
  } catch {
    return undefined; // Not JSON: refused by the caller like every other text that is no cursor.
  }
}

const toUrlSafe = (base64: string): string => base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function fromUrlSafe(text: string): string {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return base64.padEnd(Math.ceil(base64.length / 4) * 4, "=");
}
