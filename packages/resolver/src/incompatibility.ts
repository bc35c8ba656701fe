import type { Ban } from "./eligibility.ts";
import type { Edge, PluginTable } from "./plugin-table.ts";
import type { Range } from "./range.ts";
import type { Assignment } from "./partial-solution.ts";
import type { Term } from "./term.ts";
import { equals, intersectionOf, isEmpty, unionOf } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/** Why an incompatibility holds: a fact from outside, or two others from which it follows. */
export type Cause = Fact | Derivation;

/** What a release list, a root, a policy or the host says. */
export type Fact =
  | { readonly kind: "root"; readonly target: PluginTable; readonly range: Range; readonly override: Range | undefined }
  | {
      readonly kind: "edge";
      readonly source: PluginTable;
      readonly edge: Edge;
      readonly target: PluginTable;
      /** The policy's range in place of the author's. */
      readonly override: Range | undefined;
    }
  | { readonly kind: "banned"; readonly target: PluginTable; readonly set: VersionSet; readonly ban: Ban };

/** Resolution: whatever the shared plugin's place, one of the two incompatibilities rules it out. */
export interface Derivation {
  readonly kind: "derived";
  readonly conflict: Incompatibility;
  readonly other: Incompatibility;
  /** The plugin that was resolved away or weakened. */
  readonly pivot: PluginTable;
}

/**
 * Terms that must not all be true at once. An incompatibility without terms can never be avoided: it
 * says that there is no solution. See docs/solver.md, "Incompatibilities".
 */
export class Incompatibility {
  /** At most one per plugin. */
  readonly terms: readonly Term[];
  readonly cause: Cause;
  /** While this assignment stands, a term is contradicted and the incompatibility needs no second look. */
  contradictedBy: Assignment | undefined;

  constructor(terms: readonly Term[], cause: Cause) {
    this.terms = terms;
    this.cause = cause;
  }
}

/** Root `target` needs one of the releases that `range` matches. */
export function rootIncompatibility(target: PluginTable, range: Range, override: Range | undefined): Incompatibility {
  return new Incompatibility(termsOf(target, target.refusing(override ?? range)), {
    kind: "root",
    target,
    range,
    override,
  });
}

/** What the releases behind `edge` require of `target`; `undefined` when they cannot violate it. */
export function edgeIncompatibility(
  source: PluginTable,
  edge: Edge,
  target: PluginTable,
  override: Range | undefined,
): Incompatibility | undefined {
  const cause: Fact = { kind: "edge", source, edge, target, override };
  const refused = refusedPlaces(edge, target, override);
  if (source === target) {
    // A requirement on oneself: it rules out those releases that do not fulfil it with themselves.
    const self = intersectionOf(edge.makers, refused);
    return isEmpty(self) ? undefined : new Incompatibility([{ plugin: source, set: self }], cause);
  }
  if (isEmpty(refused)) return undefined;
  return new Incompatibility([{ plugin: source, set: edge.makers }, ...termsOf(target, refused)], cause);
}

/** A term that holds everywhere says nothing and is left out. */
function termsOf(plugin: PluginTable, set: VersionSet): readonly Term[] {
  return equals(set, plugin.full) ? [] : [{ plugin, set }];
}

function refusedPlaces(edge: Edge, target: PluginTable, override: Range | undefined): VersionSet {
  if (edge.kind === "conflict") return target.matching(edge.range);
  const refused = target.refusing(override ?? edge.range);
  return edge.kind === "dependency" ? refused : intersectionOf(refused, target.present);
}

export function bannedIncompatibility(target: PluginTable, set: VersionSet, ban: Ban): Incompatibility {
  return new Incompatibility([{ plugin: target, set }], { kind: "banned", target, set, ban });
}

/**
 * The resolvent of two incompatibilities over `pivot`: what must not be true although neither says so
 * alone. See docs/solver.md, "Conflict resolution".
 */
export function resolveOver(pivot: PluginTable, conflict: Incompatibility, other: Incompatibility): Incompatibility {
  const sets = new Map<PluginTable, VersionSet>();
  const merge = (incompatibility: Incompatibility) => {
    for (const { plugin, set } of incompatibility.terms) {
      const known = sets.get(plugin);
      if (known === undefined) sets.set(plugin, set);
      else sets.set(plugin, plugin === pivot ? unionOf(known, set) : intersectionOf(known, set));
    }
  };
  merge(conflict);
  merge(other);
  const terms: Term[] = [];
  for (const [plugin, set] of sets) if (!equals(set, plugin.full)) terms.push({ plugin, set });
  return new Incompatibility(terms, { kind: "derived", conflict, other, pivot });
}
