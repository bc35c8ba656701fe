import type { Requirements } from "./release-source.ts";

/** What the operator prefers, and what the operator forbids. */
export interface Policy {
  /**
   * `stable-first` (default): a pre-release only where no stable version fits. `any`: plain version order.
   * `never`: only where a root pins that exact version.
   */
  readonly prerelease?: PrereleaseRule;
  /** Which end of the fitting versions to take; `highest` by default. */
  readonly direction?: Direction;
  /** `only-if-root-pins-exact-version` (default), `allow`, or `never`. */
  readonly yanked?: YankedRule;
  /** How old a release must be; needs the request's `nowMs`. A release of unknown age counts as too young. */
  readonly minimumAgeMs?: number;
  /** Plugins whose releases need no age: one's own, or one with an urgent repair. */
  readonly minimumAgeExempt?: readonly string[];
  /** Replaces what anybody, roots included, requires of these plugins. Conflicts stay as they are. */
  readonly overrides?: Requirements;
  /** Releases outside these ranges are not taken, wherever they are required. Nothing is installed by this. */
  readonly constraints?: Requirements;
}

export const prereleaseRules = ["stable-first", "any", "never"] as const;
export const directions = ["highest", "lowest"] as const;
export const yankedRules = ["only-if-root-pins-exact-version", "allow", "never"] as const;
export type PrereleaseRule = (typeof prereleaseRules)[number];
export type Direction = (typeof directions)[number];
export type YankedRule = (typeof yankedRules)[number];

/** A release, or a range of releases, that nobody may use any more. Beats every policy. */
export interface Revocation {
  readonly plugin: string;
  /** Range of the releases concerned; all of them when absent. */
  readonly range?: string;
  /** Shown in explanations. */
  readonly reason?: string;
}
