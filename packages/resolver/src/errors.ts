import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

/** Every code the resolver throws. Codes are API: never reused, never renamed. */
export const resolveErrors = {
  RESOLVE_REQUEST_INVALID: {
    kind: "input",
    meaning: "What was asked of the resolver is not well formed.",
    cause: "A root, an override, a constraint, a lock entry or a fact about the host is not a version or a range.",
    remedy: "Correct the value that the message quotes.",
  },
  RESOLVE_LIST_INVALID: {
    kind: "input",
    meaning: "The release list of a plugin is not well formed.",
    cause: "A registry served a list with a bad version, range or field, or one beyond the limits.",
    remedy: "Ask the registry's operator to repair the list; nothing was installed.",
  },
  RESOLVE_SOURCE_CHANGED: {
    kind: "environment",
    meaning: "The source of release lists changed its answers during one resolution.",
    cause: "The registry published, yanked or revoked something while its lists were being read.",
    remedy: "Resolve again; a resolution must rest on one state of the registry.",
  },
  RESOLVE_SOURCE_ASYNC: {
    kind: "usage",
    meaning: "A synchronous resolution was asked of a source that answers later.",
    cause: "A source whose load returns a promise was given to resolveSync.",
    remedy: "Call resolve and await it.",
  },
  RESOLVE_NO_SOLUTION: {
    kind: "input",
    meaning: "No set of releases satisfies every requirement.",
    cause: "Two requirements contradict each other, or a required plugin or release does not exist or may not be used.",
    remedy: "Read the explanation; where a fix is shown, it was tried and works.",
  },
  RESOLVE_BUDGET_EXHAUSTED: {
    kind: "limit",
    meaning: "The search was stopped before it found a solution or a proof that there is none.",
    cause: "The graph of requirements is unusually hard, by accident or on purpose.",
    remedy: "Narrow the requirements of the plugins named in the details, or allow more steps or time.",
  },
  RESOLVE_UNIVERSE_INVALID: {
    kind: "input",
    meaning: "A universe file is not well formed.",
    cause: "The file is not JSON, or a member has the wrong shape, an unknown name or a bad version or range.",
    remedy: "Correct the member that the message names.",
  },
  RESOLVE_LOCK_INVALID: {
    kind: "input",
    meaning: "The lockfile is not in its canonical form.",
    cause: "It was edited by hand, cut short, or left with merge conflict marks.",
    remedy: "Settle merge conflicts, then run `berth lock` to write the file anew.",
  },
  RESOLVE_LOCK_STALE: {
    kind: "input",
    meaning: "The lockfile does not fit what is required now.",
    cause: "Roots, policy or the registry changed after the file was written, and `--frozen` forbids a new resolution.",
    remedy: "Run `berth lock` and review the difference.",
  },
  RESOLVE_CYCLE: {
    kind: "input",
    meaning: "Plugins depend on each other in a circle that no lazy dependency breaks.",
    cause: "Each plugin in the circle needs the next one to be running before it can start.",
    remedy: "One of the authors must mark a dependency of the circle as lazy.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ResolveErrorCode = keyof typeof resolveErrors;

/** Thrown by everything in this package. Match on `code`. */
export class ResolveError extends CodedError<ResolveErrorCode> {
  constructor(code: ResolveErrorCode, message: string, extras?: ErrorExtras) {
    super(resolveErrors, code, message, extras);
  }
}
