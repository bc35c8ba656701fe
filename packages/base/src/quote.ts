/** Characters that could change how a message is read: controls, bidi marks, zero-width, private use. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu;

function escapeUnsafe(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return code <= 0xff ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

/** A text, or its beginning and "…" where it has more than `maxLength` characters. Nothing in it is escaped. */
export function cut(text: string, maxLength: number): string {
  return text.length > maxLength ? `${text.slice(0, maxLength)}…`.toWellFormed() : text;
}

/**
 * Text from outside, made safe to stand inside a message or on a terminal: control, bidirectional,
 * zero-width and private-use characters are escaped, and the result is cut to `maxLength` characters.
 */
export function sanitize(text: string, maxLength = 200): string {
  return cut(text, maxLength).toWellFormed().replace(UNSAFE, escapeUnsafe);
}

/** An offending value for an error message: JSON, sanitized, cut to `maxLength` characters (default 80). */
export function quote(value: unknown, maxLength = 80): string {
  if (typeof value === "string") return sanitize(JSON.stringify(value.slice(0, maxLength + 1)), maxLength);
  if (typeof value === "bigint" || typeof value === "symbol" || typeof value === "function") return `a ${typeof value}`;
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
