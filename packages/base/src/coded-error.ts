/**
 * What went wrong, in the only six ways that callers must tell apart. The kind alone decides HTTP
 * status, exit code and whether a retry makes sense; see `exitCodeOf` and DESIGN's CLI contract.
 *
 * - `usage`: the caller asked wrongly (unknown option, wrong order of calls)
 * - `input`: data from outside was refused, invalid or not found
 * - `denied`: understood, but not allowed
 * - `limit`: a budget of the run (time, memory, count) was used up
 * - `environment`: the machine, the disk or the network failed
 * - `internal`: Berth itself is wrong
 */
export type ErrorKind = "usage" | "input" | "denied" | "limit" | "environment" | "internal";

/** One row of a package's error table. Pages under `docs/errors/` are generated from these texts. */
export interface ErrorRow {
  readonly kind: ErrorKind;
  /** One sentence: what this code says. */
  readonly meaning: string;
  /** What usually leads to it. */
  readonly cause: string;
  /** What the reader can do about it. */
  readonly remedy: string;
}

/** A package's stable codes. Codes are API: never reused, never renamed. */
export type ErrorTable = Readonly<Record<string, ErrorRow>>;

/** What may accompany an error beside code and message. */
export interface ErrorExtras {
  readonly cause?: unknown;
  /** What to do, only where it is likely to work. */
  readonly hint?: string;
  /** Plain JSON data about this occurrence; safe to show to the caller. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error as it crosses a boundary: no stack, no cause, no path that the thrower did not put in. */
export interface ErrorReport {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * Base of every error that Berth throws on purpose. Match on `code`, never on the text.
 *
 * Each package derives one class from it, bound to the package's table:
 *
 * ```ts
 * export class ArchiveError extends CodedError<keyof typeof archiveErrors> {
 *   constructor(code: keyof typeof archiveErrors, message: string, extras?: ErrorExtras) {
 *     super(archiveErrors, code, message, extras);
 *   }
 * }
 * ```
 */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly kind: ErrorKind;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(table: Readonly<Record<Code, ErrorRow>>, code: Code, message: string, extras: ErrorExtras = {}) {
    super(message, "cause" in extras ? { cause: extras.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    this.kind = table[code].kind;
    this.hint = extras.hint;
    this.details = extras.details;
  }
}

/** Whether `error` is one of Berth's own. Works across copies of this package, unlike `instanceof`. */
export function isCodedError(error: unknown): error is CodedError {
  return (
    error instanceof Error &&
    typeof (error as Partial<CodedError>).code === "string" &&
    typeof (error as Partial<CodedError>).kind === "string" &&
    exitCodes.has((error as CodedError).kind)
  );
}

/**
 * Rebuilds an error for the other side of a trust boundary: code, message, hint and details only.
 * Anything that is not a coded error becomes `INTERNAL` without its text, because that text may hold
 * paths or data of somebody else.
 */
export function reportOf(error: unknown): ErrorReport {
  if (!isCodedError(error)) return { code: "INTERNAL", message: "An unexpected error inside Berth" };
  return {
    code: error.code,
    message: error.message,
    ...(error.hint !== undefined && { hint: error.hint }),
    ...(error.details !== undefined && { details: error.details }),
  };
}

const exitCodes = new Map<ErrorKind, number>([
  ["usage", 2],
  ["input", 3],
  ["denied", 4],
  ["limit", 5],
  ["environment", 6],
  ["internal", 70],
]);

/** The exit code of a command that ended with `error`; 70 for anything that is not a coded error. */
export function exitCodeOf(error: unknown): number {
  return (isCodedError(error) ? exitCodes.get(error.kind) : undefined) ?? 70;
}
