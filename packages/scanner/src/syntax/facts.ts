import type { Node } from "oxc-parser";
import type { FunctionInfo, Value } from "./value.ts";

/** Under which circumstances a piece of code runs. */
export interface Circumstance {
  /** The function that it stands in; `undefined` at the top of the file. */
  readonly fn: FunctionInfo | undefined;
  readonly outer: Circumstance | undefined;
  /** Tags of the conditions that guard it (see `CONDITION` in `tags.ts`). */
  readonly guards: number;
  /** Delay of the timer that it waits for, in milliseconds. */
  readonly delayMs: number;
  /** Event that it answers to, such as `keydown`. */
  readonly event: string;
  /** What the event comes from, such as `document`. */
  readonly eventTarget: string;
  /** Depth of loops inside its function. */
  readonly loops: number;
  /** Place of the condition that this circumstance adds to `outer`; -1 when it adds none. */
  readonly testStart: number;
  readonly testEnd: number;
}

/** Code that no function, condition or timer stands around. */
export const TOP_LEVEL: Circumstance = {
  fn: undefined,
  outer: undefined,
  guards: 0,
  delayMs: 0,
  event: "",
  eventTarget: "",
  loops: 0,
  testStart: -1,
  testEnd: -1,
};

export interface CallFact {
  readonly node: Node;
  /** Offset of the call. */
  readonly start: number;
  readonly end: number;
  /** The well-known function that is called. */
  readonly ref: string;
  readonly callee: Value;
  readonly receiver: Value;
  readonly args: readonly Value[];
  readonly isNew: boolean;
  readonly result: Value;
  readonly when: Circumstance;
}

export interface WriteFact {
  readonly node: Node;
  readonly start: number;
  readonly end: number;
  /** Path of the target where it is well known: `document.cookie`, `Object.prototype.isAdmin`. */
  readonly ref: string | undefined;
  readonly object: Value;
  readonly name: string;
  readonly value: Value;
  readonly operator: string;
  readonly when: Circumstance;
}

export interface ReadFact {
  readonly node: Node;
  readonly start: number;
  readonly end: number;
  readonly ref: string;
  /** How the member's name was put together, when it was computed. */
  readonly nameMade: number;
  readonly when: Circumstance;
}

export interface LoadFact {
  readonly start: number;
  readonly end: number;
  readonly specifier: Value;
  readonly isStatic: boolean;
  readonly isImport: boolean;
  readonly when: Circumstance;
}

export interface ConditionFact {
  readonly start: number;
  readonly end: number;
  readonly tags: number;
  readonly when: Circumstance;
}

/** A text that folding put together from pieces that do not show it. */
export interface ConcealedText {
  readonly start: number;
  readonly end: number;
  readonly value: Value;
}

/** What one pass over a file's syntax found. Lists are in source order of evaluation. */
export interface Facts {
  readonly calls: CallFact[];
  readonly writes: WriteFact[];
  readonly reads: ReadFact[];
  readonly loads: LoadFact[];
  readonly conditions: ConditionFact[];
  readonly concealed: ConcealedText[];
  /** What nests too deeply was left out, so that something may have been missed; at most 100 places. */
  readonly skipped: { readonly start: number; readonly end: number }[];
}

export function makeFacts(): Facts {
  return { calls: [], writes: [], reads: [], loads: [], conditions: [], concealed: [], skipped: [] };
}
