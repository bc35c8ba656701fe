import type { SecurityLevel } from "./host-facts.ts";
import { indexesIn } from "./range.ts";
import type { Range } from "./range.ts";
import { isPrerelease } from "./version.ts";
import type { Version } from "./version.ts";
import { complementOf } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

export type EdgeKind = "dependency" | "optional" | "conflict";

/** One requirement on another plugin, and all the releases of a plugin that make it. */
export interface Edge {
  readonly kind: EdgeKind;
  readonly target: string;
  /** The target's number in the catalogue. */
  readonly targetId: number;
  readonly range: Range;
  readonly isLazy: boolean;
  /** Places of the releases that make it: one incompatibility serves them all. */
  readonly makers: VersionSet;
}

/** What a release says about where it may run. */
export interface ReleaseTraits {
  readonly api: Range | undefined;
  readonly platforms: readonly string[] | undefined;
  readonly level: SecurityLevel | undefined;
  readonly isYanked: boolean;
  /** Milliseconds since 1970; `undefined` when the list does not say. */
  readonly publishedAtMs: number | undefined;
}

/** A release list, checked and parsed. */
export interface CompiledList {
  /** Ascending. */
  readonly versions: readonly Version[];
  /** By place. */
  readonly traits: readonly ReleaseTraits[];
  /** By place, in any order. */
  readonly edges: readonly Edge[][];
}

/** The releases of a plugin that a range matches, and the places that it rules out. */
interface Fit {
  readonly matching: VersionSet;
  readonly refusing: VersionSet;
}

/** The release list of one plugin, ready for solving. Independent of roots, policy and host. */
export class PluginTable {
  /** Small number that stands for the plugin inside one catalogue. */
  readonly id: number;
  readonly name: string;
  /** Whether the source knows the plugin at all. */
  readonly isListed: boolean;
  /** Ascending. */
  readonly versions: readonly Version[];
  /** By place. */
  readonly traits: readonly ReleaseTraits[];
  /** Places including the absent one, which is the last. */
  readonly size: number;
  /** Every place. */
  readonly full: VersionSet;
  /** Every place but the absent one. */
  readonly present: VersionSet;
  readonly hasYanked: boolean;
  readonly #edges: readonly Edge[][];
  readonly #hasSorted: boolean[] = [];
  readonly #fits = new Map<Range, Fit>();

  constructor(id: number, name: string, { versions, traits, edges }: CompiledList, isListed: boolean) {
    this.id = id;
    this.name = name;
    this.isListed = isListed;
    this.versions = versions;
    this.traits = traits;
    this.size = versions.length + 1;
    this.full = [0, this.size];
    this.present = versions.length === 0 ? [] : [0, versions.length];
    this.hasYanked = traits.some(({ isYanked }) => isYanked);
    this.#edges = edges;
  }

  /** How many releases there are. */
  get count(): number {
    return this.versions.length;
  }

  /** The place that stands for "not installed". */
  get absent(): number {
    return this.versions.length;
  }

  /** The releases that `range` matches. */
  matching(range: Range): VersionSet {
    return this.#fit(range).matching;
  }

  /** Every place that a dependency with `range` rules out: the absent one and the releases outside the range. */
  refusing(range: Range): VersionSet {
    return this.#fit(range).refusing;
  }

  #fit(range: Range): Fit {
    let fit = this.#fits.get(range);
    if (fit === undefined) {
      const matching = indexesIn(range, this.versions);
      fit = { matching, refusing: complementOf(matching, this.size) };
      this.#fits.set(range, fit);
    }
    return fit;
  }

  /**
   * What the release at `place` requires, sorted by target, then kind: the order in which its author wrote
   * must not count. Sorted when first asked for, because most releases are never looked at.
   */
  edgesAt(place: number): readonly Edge[] {
    const edges = this.#edges[place];
    if (edges === undefined) return [];
    if (this.#hasSorted[place] !== true) {
      edges.sort(compareEdges);
      this.#hasSorted[place] = true;
    }
    return edges;
  }

  isStable(place: number): boolean {
    const version = this.versions[place];
    return version !== undefined && !isPrerelease(version);
  }

  /** The place of the release with this version, if there is one. */
  placeOf(version: Version): number | undefined {
    const place = this.versions.findIndex(({ text }) => text === version.text);
    return place === -1 ? undefined : place;
  }
}

// By code units: the same on every machine, whatever its locale.
function compareEdges(a: Edge, b: Edge): number {
  if (a.target !== b.target) return a.target < b.target ? -1 : 1;
  return a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0;
}
