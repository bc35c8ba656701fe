import { nearMiss, quote } from "@berth/base";
import { ResolveError } from "./errors.ts";

/** A JSON object whose member names come from outside; read only by the names of its entries. */
export type Members = Readonly<Record<string, unknown>>;

/** A path into the file, or how to make it: most are never needed. */
export type Where = () => string;

export function at(...path: readonly string[]): string {
  const [first, ...others] = path;
  return `${first}${others.map((name) => `[${quote(name)}]`).join("")}`;
}

export function members(value: unknown, where: string | Where): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw invalid(typeof where === "string" ? where : where(), `is ${quote(value)}, not an object`);
}

export function knownMembers(value: unknown, where: string, known: readonly string[]): Members {
  const found = members(value, where);
  for (const name of Object.keys(found)) if (!known.includes(name)) throw unknownMember(where, name, known);
  return found;
}

export function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw invalid(where, `is ${quote(value)}, not a list`);
}

export function string(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw invalid(where, `is ${quote(value)}, not a text`);
}

export function number(value: unknown, where: string): number {
  if (typeof value === "number" && value >= 0) return value;
  throw invalid(where, `is ${quote(value)}, not a number of milliseconds`);
}

export function oneOf<Value extends string>(value: unknown, where: string, allowed: readonly Value[]): Value {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw invalid(where, `is ${quote(value)}, not one of ${allowed.join(", ")}`);
}

/** An object with what `read` makes of a value, or an empty one where there is none. */
export function optional<Read extends object>(
  value: unknown,
  read: (value: unknown) => Read,
): Read | Record<never, never> {
  return value === undefined ? {} : read(value);
}

export function unknownMember(where: string, name: string, known: Iterable<string>): ResolveError {
  const meant = nearMiss(name, known);
  const hint = meant === undefined ? {} : { hint: `Did you mean ${quote(meant)}?` };
  return new ResolveError("RESOLVE_UNIVERSE_INVALID", `Universe: ${where} has an unknown member ${quote(name)}`, hint);
}

export function invalid(where: string, problem: string): ResolveError {
  return new ResolveError("RESOLVE_UNIVERSE_INVALID", `Universe: ${where} ${problem}`);
}
