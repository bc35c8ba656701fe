import { quote } from "@berth/base";

import { WireError } from "./errors.ts";

/** Taken before any plugin runs: inside a compartment this library shares its built-ins with the plugin. */
const { parse, stringify } = JSON;

/** Deepest nesting of a value. */
export const MAX_VALUE_DEPTH = 128;

/** Most byte sections of one value. */
export const MAX_BYTE_SECTIONS = 1_024;

/** Stands for the n-th byte section. An object of the sender's with a member of such a name gets one `$` more. */
const BYTES_MEMBER = "$bytes";
const ESCAPED_MEMBER = /^\$+bytes$/;

/**
 * Turns a value into JSON text and the byte arrays it refers to. NaN, infinities, bigint, functions,
 * symbols, class instances, `undefined` in lists, cycles and more than 128 levels are refused; members
 * that are `undefined` are dropped; −0 becomes 0. So every engine, and every replay, sees the same value.
 *
 * @throws WireError WIRE_VALUE_NOT_JSON, with `details.path`
 */
export function encodeText(value: unknown): { text: string; bytes: Uint8Array[] } {
  const bytes: Uint8Array[] = [];
  const needsRewriting = inspect(value, [], bytes);
  if (bytes.length > MAX_BYTE_SECTIONS) {
    throw new WireError(
      "WIRE_VALUE_NOT_JSON",
      `the value has ${bytes.length} byte arrays, at most ${MAX_BYTE_SECTIONS} cross`,
    );
  }
  const counter = { next: 0 };
  const text: unknown = stringify(needsRewriting ? rewrite(value, counter) : value);
  // A toJSON that is not enumerable may have answered.
  if (typeof text !== "string") refuse("undefined", []);
  return { text, bytes };
}

/**
 * Reads a value that crossed.
 *
 * @throws WireError WIRE_VALUE_NOT_JSON when the text is not JSON, is nested more than 128 levels deep or refers to
 *   bytes that did not come
 */
export function decodeText(text: string, bytes: readonly Uint8Array[]): unknown {
  let value: unknown;
  try {
    value = parse(text);
  } catch {
    throw new WireError("WIRE_VALUE_NOT_JSON", `expected JSON text, found ${quote(text, 40)}`);
  }
  if (bytes.length > 0 || text.includes("$bytes")) return restore(value, bytes, 0);
  // Each level takes two characters, so a short text cannot be too deep.
  if (text.length > 2 * MAX_VALUE_DEPTH) refuseDepth(value, 0);
  return value;
}

/** For what JSON.parse made: no cycles, no prototypes. */
function refuseDepth(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null) return;
  if (depth >= MAX_VALUE_DEPTH) throw tooDeep();
  if (Array.isArray(value)) {
    for (const item of value) refuseDepth(item, depth + 1);
    return;
  }
  for (const key in value) refuseDepth((value as Record<string, unknown>)[key], depth + 1);
}

const tooDeep = (): WireError =>
  new WireError("WIRE_VALUE_NOT_JSON", `the value is nested more than ${MAX_VALUE_DEPTH} levels deep`);

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  // Objects of another realm have another Object.prototype, but its prototype is null as well.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
};

function refuse(what: string, path: readonly (string | number)[]): never {
  const at = path.length === 0 ? "the value" : `the value at /${path.join("/")}`;
  throw new WireError("WIRE_VALUE_NOT_JSON", `${at} is ${what}; only JSON values and Uint8Array cross`, {
    details: { path: path.map(String) },
  });
}

/** Checks the value, collects its byte arrays in order, and tells whether the text differs from `JSON.stringify`. */
function inspect(value: unknown, path: (string | number)[], bytes: Uint8Array[]): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return false;
    case "number":
      if (!Number.isFinite(value)) refuse(String(value), path);
      return false;
    case "object":
      break;
    case "undefined":
      return refuse("undefined", path);
    default:
      return refuse(`a ${typeof value}`, path);
  }
  if (value === null) return false;
  if (value instanceof Uint8Array) {
    bytes.push(value);
    return true;
  }
  // A cycle is endless nesting, so the cap on depth refuses both without a set of visited objects.
  if (path.length >= MAX_VALUE_DEPTH)
    refuse(`nested more than ${MAX_VALUE_DEPTH} levels deep, or cyclic`, path.slice(0, 8));
  let needsRewriting = false;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      if (inspect(value[index], path, bytes)) needsRewriting = true;
      path.pop();
    }
    return needsRewriting;
  }
  if (!isPlain(value)) refuse(`an instance of ${quote(value.constructor?.name ?? "a class")}`, path);
  for (const key of Object.keys(value)) {
    const member: unknown = (value as Record<string, unknown>)[key];
    if (member === undefined) continue;
    path.push(key);
    if (inspect(member, path, bytes)) needsRewriting = true;
    path.pop();
    if (key.startsWith("$") && ESCAPED_MEMBER.test(key)) needsRewriting = true;
  }
  return needsRewriting;
}

/** Replaces byte arrays by references and escapes members that look like one. Same order as `inspect`. */
function rewrite(value: unknown, counter: { next: number }): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) {
    const index = counter.next;
    counter.next += 1;
    return { [BYTES_MEMBER]: index };
  }
  if (Array.isArray(value)) return value.map((item) => rewrite(item, counter));
  const copy: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) copy[ESCAPED_MEMBER.test(key) ? `$${key}` : key] = rewrite(member, counter);
  }
  return copy;
}

function restore(value: unknown, bytes: readonly Uint8Array[], depth: number): unknown {
  if (typeof value !== "object" || value === null) return value;
  // One level more than the sender's cap: byte arrays are objects here.
  if (depth > MAX_VALUE_DEPTH) throw tooDeep();
  if (Array.isArray(value)) return value.map((item) => restore(item, bytes, depth + 1));
  if (Object.hasOwn(value, BYTES_MEMBER)) {
    const index = (value as Record<string, unknown>)[BYTES_MEMBER];
    const section = Number.isSafeInteger(index) ? bytes[index as number] : undefined;
    if (section === undefined)
      throw new WireError(
        "WIRE_VALUE_NOT_JSON",
        `the value refers to byte section ${quote(index)}, ${bytes.length} came with it`,
      );
    return section;
  }
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    // defineProperty, because assigning to __proto__ would change the prototype instead.
    Object.defineProperty(copy, ESCAPED_MEMBER.test(key) ? key.slice(1) : key, {
      value: restore(member, bytes, depth + 1),
      enumerable: true,
      configurable: true,
      writable: true,
    });
  }
  return copy;
}
