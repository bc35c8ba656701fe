import { removeUnevenMembers } from "./uneven-members.ts";

/**
 * What of the language a compartment keeps. A list of what is allowed, not of what is removed: a global
 * that a newer engine adds stays out until somebody has thought about it.
 *
 * Left out on purpose: WebAssembly, SharedArrayBuffer and Atomics (memory that limits do not count, and a
 * clock), Intl (native memory outside the limits, and a fingerprint of the machine), WeakRef and
 * FinalizationRegistry (show when the collector runs, so replays would differ).
 */
const KEPT_GLOBALS: ReadonlySet<string> = new Set([
  "AggregateError",
  "Array",
  "ArrayBuffer",
  "AsyncDisposableStack",
  "BigInt",
  "BigInt64Array",
  "BigUint64Array",
  "Boolean",
  "DataView",
  "Date",
  "DisposableStack",
  "Error",
  "EvalError",
  "Float16Array",
  "Float32Array",
  "Float64Array",
  "Function",
  "Infinity",
  "Int16Array",
  "Int32Array",
  "Int8Array",
  "Iterator",
  "JSON",
  "Map",
  "Math",
  "NaN",
  "Number",
  "Object",
  "Promise",
  "Proxy",
  "RangeError",
  "ReferenceError",
  "Reflect",
  "RegExp",
  "Set",
  "String",
  "SuppressedError",
  "Symbol",
  "SyntaxError",
  "TypeError",
  "URIError",
  "Uint16Array",
  "Uint32Array",
  "Uint8Array",
  "Uint8ClampedArray",
  "WeakMap",
  "WeakSet",
  "decodeURI",
  "decodeURIComponent",
  "encodeURI",
  "encodeURIComponent",
  "escape",
  "eval",
  "globalThis",
  "isFinite",
  "isNaN",
  "parseFloat",
  "parseInt",
  "undefined",
  "unescape",
]);

/** What the guest library adds. Together with `KEPT_GLOBALS` this is every global a plugin finds. */
export const ADDED_GLOBALS = [
  "AbortController",
  "AbortSignal",
  "TextDecoder",
  "TextEncoder",
  "URL",
  "URLSearchParams",
  "atob",
  "btoa",
  "clearInterval",
  "clearTimeout",
  "console",
  "crypto",
  "performance",
  "queueMicrotask",
  "setInterval",
  "setTimeout",
  "structuredClone",
] as const;

/** Every global name that a plugin may find, sorted. */
export const GUEST_GLOBALS: readonly string[] = [...KEPT_GLOBALS, ...ADDED_GLOBALS].toSorted();

type Loose = Record<string, unknown>;

function replaceMethod(prototype: object, name: string, method: (this: never, ...args: never[]) => unknown): void {
  Object.defineProperty(prototype, name, { value: method, writable: true, enumerable: false, configurable: true });
}

/**
 * Removes and replaces, before any code of the plugin runs.
 * The order matters: the real ArrayBuffer must be unreachable before the first line of foreign code.
 */
export function reduceIntrinsics(): void {
  const global = globalThis as unknown as Loose;
  for (const name of Object.getOwnPropertyNames(global)) {
    if (!KEPT_GLOBALS.has(name)) delete global[name];
  }
  fixArrayBuffer(global);
  removeUnevenMembers();
  unifyLocale();
}

/** Resizable buffers reserve address space that memory limits do not see: the option is refused, the methods go. */
function fixArrayBuffer(global: Loose): void {
  const Real = ArrayBuffer;
  for (const name of ["resize", "resizable", "maxByteLength", "transfer", "transferToFixedLength", "detached"]) {
    delete (Real.prototype as unknown as Loose)[name];
  }
  const Fixed = function ArrayBuffer(this: unknown, length?: number, options?: { maxByteLength?: unknown }) {
    if (new.target === undefined) throw new TypeError("Constructor ArrayBuffer requires 'new'");
    if (options !== null && typeof options === "object" && options.maxByteLength !== undefined) {
      throw new RangeError("Resizable buffers are not available to plugins");
    }
    return Reflect.construct(Real, [length], new.target) as unknown;
  };
  Fixed.prototype = Real.prototype;
  Object.defineProperty(Fixed, "prototype", { writable: false });
  replaceMethod(Fixed, "isView", (value: unknown) => Real.isView(value));
  Object.defineProperty(Fixed, Symbol.species, { get: () => Fixed, configurable: true });
  replaceMethod(Real.prototype, "constructor", Fixed as never);
  Object.defineProperty(global, "ArrayBuffer", { value: Fixed, writable: true, enumerable: false, configurable: true });
}

/** Part of a date in UTC; an invalid one says so, as it does with a locale. */
const isoOf = (date: Date, start?: number, end?: number): string =>
  Number.isNaN(date.getTime()) ? "Invalid Date" : date.toISOString().slice(start, end);

/** The same answer on every machine and engine: no locale, no time zone database, code unit order. */
function unifyLocale(): void {
  replaceMethod(Number.prototype, "toLocaleString", function (this: number) {
    return Number(this).toString();
  });
  replaceMethod(BigInt.prototype, "toLocaleString", function (this: bigint) {
    return BigInt(this).toString();
  });
  replaceMethod(Array.prototype, "toLocaleString", function (this: unknown[]) {
    return Array.prototype.join.call(this, ",");
  });
  replaceMethod(Object.getPrototypeOf(Uint8Array.prototype) as object, "toLocaleString", function (this: Uint8Array) {
    return Array.prototype.join.call(this, ",");
  });
  replaceMethod(Date.prototype, "toLocaleString", function (this: Date) {
    return isoOf(this);
  });
  replaceMethod(Date.prototype, "toLocaleDateString", function (this: Date) {
    return isoOf(this, 0, 10);
  });
  replaceMethod(Date.prototype, "toLocaleTimeString", function (this: Date) {
    return isoOf(this, 11, 19);
  });
  // Engines differ in whether a name of the zone follows, in the machine's language.
  const { toString, toTimeString } = Date.prototype;
  replaceMethod(Date.prototype, "toString", function (this: Date) {
    return toString.call(this).replace(/ \(.*\)$/u, "");
  });
  replaceMethod(Date.prototype, "toTimeString", function (this: Date) {
    return toTimeString.call(this).replace(/ \(.*\)$/u, "");
  });
  replaceMethod(String.prototype, "localeCompare", function (this: string, other: unknown) {
    const [a, b] = [String(this), String(other)];
    return a < b ? -1 : a > b ? 1 : 0;
  });
  replaceMethod(String.prototype, "toLocaleUpperCase", function (this: string) {
    return String(this).toUpperCase();
  });
  replaceMethod(String.prototype, "toLocaleLowerCase", function (this: string) {
    return String(this).toLowerCase();
  });
}
