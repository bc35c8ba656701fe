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
  // `Array.from` visits holes too, which then are refused as undefined.
  if (isArray(value)) return `[${Array.from(value, canonicalJson).join(",")}]`;
  if (typeof value !== "object" || !isPlain(value)) {
    throw new TypeError(`canonical JSON cannot carry ${Object.prototype.toString.call(value)}`);
  }
  const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, member]) => `${canonicalJson(key)}:${canonicalJson(member)}`).join(",")}}`;
}

/** Dates, maps and byte arrays have members too, but their members are not what they say. */
const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);
