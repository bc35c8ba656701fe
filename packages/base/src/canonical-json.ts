/** A value that JSON can carry without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/**
 * Formats a value as canonical JSON (RFC 8785): no white space, members sorted by UTF-16 code units,
 * numbers and strings as ECMAScript prints them. Equal values give equal text on every machine.
 *
 * @throws TypeError for NaN, infinities, lone surrogates and anything JSON cannot carry: callers pass
 *   values they built or validated, so this is a programming error, not an input error.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "number") {
    if (!Number.isFinite(value)) throw new TypeError("canonical JSON has no NaN or infinity");
    return JSON.stringify(value);
  }
  if (typeof value === "string") {
    if (!value.isWellFormed()) throw new TypeError("canonical JSON has no lone surrogates");
    return JSON.stringify(value);
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object") throw new TypeError(`canonical JSON cannot carry a ${typeof value}`);
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`).join(",")}}`;
}

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);
