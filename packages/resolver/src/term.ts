import type { PluginTable } from "./plugin-table.ts";
import { isDisjoint, isSubset } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/**
 * A claim about one plugin: its place is in `set`. The set of a positive term ("foo ^1 is installed")
 * lacks the absent place, that of a negative one ("not foo ^1") holds it. Never empty, never full:
 * the first would claim nothing possible, the second nothing at all. See docs/solver.md, "Terms".
 */
export interface Term {
  readonly plugin: PluginTable;
  readonly set: VersionSet;
}

/** How what is known of a plugin (`known`) bears on a term about it. */
export type Relation = "satisfied" | "contradicted" | "inconclusive";

export function relate(known: VersionSet | undefined, term: Term): Relation {
  // Nothing known means that every place is possible, and a term never allows them all.
  if (known === undefined) return "inconclusive";
  if (isSubset(known, term.set)) return "satisfied";
  return isDisjoint(known, term.set) ? "contradicted" : "inconclusive";
}

export function isPositive(term: Term): boolean {
  return (term.set.at(-1) ?? 0) <= term.plugin.absent;
}
