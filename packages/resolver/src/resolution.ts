import type { EdgeKind } from "./plugin-table.ts";
import type { Fix } from "./fix.ts";

/** A release that was chosen, with what it needs of the others that were chosen. */
export interface ResolvedRelease {
  readonly plugin: string;
  readonly version: string;
  /** Sorted by plugin; optional dependencies only where the other plugin is part of the solution. */
  readonly needs: readonly ResolvedNeed[];
}

export interface ResolvedNeed {
  readonly plugin: string;
  readonly kind: Exclude<EdgeKind, "conflict">;
  readonly isLazy: boolean;
}

/** How much work a resolution was. */
export interface WorkCounts {
  readonly decisions: number;
  readonly conflicts: number;
  /** Incompatibilities and undecided plugins looked at. */
  readonly steps: number;
}

/** A requirement that the policy replaced, in a solution that rests on it. */
export interface AppliedOverride {
  /** Whose requirement it was; `undefined`: a root's. */
  readonly by: string | undefined;
  readonly plugin: string;
  readonly from: string;
  readonly to: string;
}

export interface Solution {
  readonly kind: "solution";
  /** Version by plugin; sorted by plugin. */
  readonly versions: ReadonlyMap<string, string>;
  /** Sorted by plugin. */
  readonly releases: readonly ResolvedRelease[];
  readonly overrides: readonly AppliedOverride[];
  readonly counts: WorkCounts;
}

export interface Conflict {
  readonly kind: "conflict";
  readonly explanation: Explanation;
  /** Plugins that cannot be reconciled, sorted; see docs/solver.md, "Minimal cores". */
  readonly core: readonly string[];
  /** Whether it is known that no member of the core can go. False only where the budget ended first. */
  readonly isCoreMinimal: boolean;
  /** The smallest change of roots or policy that was found to work; `undefined` where none was. */
  readonly fix: Fix | undefined;
  readonly counts: WorkCounts;
}

export type Resolution = Solution | Conflict;

/** Why there is no solution, for people and for programs. */
export interface Explanation {
  /** One sentence per line. */
  readonly text: string;
  readonly lines: readonly ExplanationLine[];
  /** Sentences of the whole proof that were left out because it is too long to follow. */
  readonly omittedLines: number;
  /** What the proof rests on; without any one of its premises the chain breaks. */
  readonly facts: readonly FactReport[];
}

/** One sentence of an explanation. */
export interface ExplanationLine {
  readonly text: string;
  /** Set when a later sentence refers to this one; the text then ends with it. */
  readonly number: number | undefined;
}

/** One fact of a proof as plain data. */
export type FactReport =
  | { readonly kind: "root"; readonly plugin: string; readonly range: string; readonly override?: string }
  | {
      readonly kind: EdgeKind;
      readonly plugin: string;
      /** The releases that say so. */
      readonly versions: readonly string[];
      readonly target: string;
      readonly range: string;
      readonly override?: string;
    }
  | {
      readonly kind: "banned";
      readonly plugin: string;
      readonly versions: readonly string[];
      readonly ban: string;
      readonly text: string;
    };
