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
  readonly range: Range;
  readonly isLazy: boolean;
}

/** One release, checked and parsed. */
export interface CompiledRelease {
  readonly version: Version;
  /** Sorted by target, then kind, so that the solver's steps do not depend on the author's order. */
  readonly edges: readonly Edge[];
  readonly api: Range | undefined;
  readonly platforms: readonly string[] | undefined;
  readonly level: SecurityLevel | undefined;
  readonly isYanked: boolean;
  /** Milliseconds since 1970; `undefined` when the list does not say. */
  readonly publishedAtMs: number | undefined;
}

/** Neighbouring releases that make the same requirement: one incompatibility serves them all. */
export interface EdgeRun extends Edge {
  /** Half-open places in the release list. */
  readonly from: number;
  readonly to: number;
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
  readonly #runsOf: readonly (readonly EdgeRun[])[];
  readonly #matching = new Map<Range, VersionSet>();
  readonly #refusing = new Map<Range, VersionSet>();
  readonly #stable: readonly boolean[];

  constructor(id: number, name: string, releases: readonly CompiledRelease[], isListed: boolean) {
    this.id = id;
    this.name = name;
    this.isListed = isListed;
    this.releases = releases;
    this.versions = releases.map((release) => release.version);
    this.size = releases.length + 1;
    this.full = [0, this.size];
    this.present = releases.length === 0 ? [] : [0, releases.length];
    this.hasYanked = releases.some((release) => release.isYanked);
    this.#runsOf = runsOf(releases);
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

  /** What the release at `place` requires, each as the longest run of neighbours that require the same. */
  runsAt(place: number): readonly EdgeRun[] {
    return this.#runsOf[place] ?? [];
  }

  isStable(place: number): boolean {
    return this.#stable[place] === true;
  }

  /** The place of the release with this version text, if there is one. */
  placeOf(version: Version): number | undefined {
    const place = this.versions.findIndex((candidate) => candidate.text === version.text);
    return place === -1 ? undefined : place;
  }
}

function runsOf(releases: readonly CompiledRelease[]): EdgeRun[][] {
  const runs: EdgeRun[][] = releases.map(() => []);
  let open = new Map<string, { edge: Edge; from: number }>();
  const close = (key: string, to: number) => {
    const started = open.get(key);
    if (started === undefined) return;
    const run: EdgeRun = { ...started.edge, from: started.from, to };
    for (let place = started.from; place < to; place += 1) (runs[place] as EdgeRun[]).push(run);
  };
  for (let place = 0; place <= releases.length; place += 1) {
    const edges = releases[place]?.edges ?? [];
    const next = new Map<string, { edge: Edge; from: number }>();
    for (const edge of edges) {
      // A space cannot stand in a kind, so the key names one pair of kind and target.
      const key = `${edge.kind} ${edge.target}`;
      const started = open.get(key);
      next.set(key, started !== undefined && isSameEdge(started.edge, edge) ? started : { edge, from: place });
    }
    for (const [key, started] of open) if (next.get(key) !== started) close(key, place);
    open = next;
  }
  return runs;
}

function isSameEdge(a: Edge, b: Edge): boolean {
  // Ranges are interned by the catalogue's vocabulary: the same text is the same object.
  return a.range === b.range && a.isLazy === b.isLazy;
}
