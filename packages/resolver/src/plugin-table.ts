import { indexesIn } from "./range.ts";
import type { Range } from "./range.ts";
import type { SecurityLevel } from "./host-facts.ts";
import { isPrerelease } from "./version.ts";
import type { Version } from "./version.ts";
import { complementOf } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

export type EdgeKind = "dependency" | "optional" | "conflict";

/** One requirement of one release on another plugin. */
export interface Edge {
  readonly kind: EdgeKind;
  readonly target: string;
  /** The target's number in the catalogue. */
  readonly targetId: number;
  readonly range: Range;
  readonly isLazy: boolean;
}

/** One release, checked and parsed. */
export interface CompiledRelease {
  readonly version: Version;
  readonly api: Range | undefined;
  readonly platforms: readonly string[] | undefined;
  readonly level: SecurityLevel | undefined;
  readonly isYanked: boolean;
  /** Milliseconds since 1970; `undefined` when the list does not say. */
  readonly publishedAtMs: number | undefined;
}

/** A release with its requirements, sorted by target, then kind: the author's order must not count. */
export interface ReleaseEntry {
  readonly release: CompiledRelease;
  readonly edges: readonly Edge[];
}

/** The same requirement made by several releases of a plugin: one incompatibility serves them all. */
export interface SharedEdge extends Edge {
  /** Places of the releases that make it. */
  readonly makers: VersionSet;
}

/** The release list of one plugin, ready for solving. Independent of roots, policy and host. */
export class PluginTable {
  /** Small number that stands for the plugin inside one catalogue. */
  readonly id: number;
  readonly name: string;
  /** Whether the source knows the plugin at all. */
  readonly isListed: boolean;
  /** Ascending by version. */
  readonly releases: readonly CompiledRelease[];
  readonly versions: readonly Version[];
  /** Places including the absent one, which is the last. */
  readonly size: number;
  /** Every place. */
  readonly full: VersionSet;
  /** Every place but the absent one. */
  readonly present: VersionSet;
  readonly hasYanked: boolean;
  readonly #edgesOf: readonly (readonly SharedEdge[])[];
  readonly #matching = new Map<Range, VersionSet>();
  readonly #refusing = new Map<Range, VersionSet>();
  readonly #stable: readonly boolean[];

  /** @param entries ascending by version */
  constructor(id: number, name: string, entries: readonly ReleaseEntry[], isListed: boolean) {
    const releases = entries.map(({ release }) => release);
    this.id = id;
    this.name = name;
    this.isListed = isListed;
    this.releases = releases;
    this.versions = releases.map(({ version }) => version);
    this.size = releases.length + 1;
    this.full = [0, this.size];
    this.present = releases.length === 0 ? [] : [0, releases.length];
    this.hasYanked = releases.some((release) => release.isYanked);
    this.#edgesOf = sharedEdgesOf(entries);
    this.#stable = this.versions.map((version) => !isPrerelease(version));
  }

  get absent(): number {
    return this.releases.length;
  }

  /** The releases that `range` matches. */
  matching(range: Range): VersionSet {
    let set = this.#matching.get(range);
    if (set === undefined) {
      set = indexesIn(range, this.versions);
      this.#matching.set(range, set);
    }
    return set;
  }

  /** Every place that a dependency with `range` rules out: the absent one and the releases outside the range. */
  refusing(range: Range): VersionSet {
    let set = this.#refusing.get(range);
    if (set === undefined) {
      set = complementOf(this.matching(range), this.size);
      this.#refusing.set(range, set);
    }
    return set;
  }

  /** What the release at `place` requires, each together with the other releases that require the same. */
  edgesAt(place: number): readonly SharedEdge[] {
    return this.#edgesOf[place] ?? [];
  }

  isStable(place: number): boolean {
    return this.#stable[place] === true;
  }

  /** The place of the release with this version, if there is one. */
  placeOf(version: Version): number | undefined {
    const place = this.versions.findIndex(({ text }) => text === version.text);
    return place === -1 ? undefined : place;
  }
}

function sharedEdgesOf(entries: readonly ReleaseEntry[]): SharedEdge[][] {
  const known = new Map<string, Map<Range, Builder[]>>();
  return entries.map(({ edges }, place) =>
    edges.map((edge) => {
      const builder = builderFor(edge, known);
      if (builder.makers.at(-1) === place) builder.makers[builder.makers.length - 1] = place + 1;
      else builder.makers.push(place, place + 1);
      return builder;
    }),
  );
}

/** A shared edge while its makers are being gathered. */
type Builder = Edge & { readonly makers: number[] };

/** Ranges are interned by the catalogue's vocabulary, so the same text is the same object. */
function builderFor(edge: Edge, known: Map<string, Map<Range, Builder[]>>): Builder {
  let ofTarget = known.get(edge.target);
  if (ofTarget === undefined) known.set(edge.target, (ofTarget = new Map<Range, Builder[]>()));
  const ofRange = ofTarget.get(edge.range);
  const found = ofRange?.find(({ kind, isLazy }) => kind === edge.kind && isLazy === edge.isLazy);
  if (found !== undefined) return found;
  const { kind, target, targetId, range, isLazy } = edge;
  const builder: Builder = { kind, target, targetId, range, isLazy, makers: [] };
  if (ofRange === undefined) ofTarget.set(edge.range, [builder]);
  else ofRange.push(builder);
  return builder;
}
