import { quote } from "@berth/base";
import { ResolveError } from "./errors.ts";
import { isSecurityLevel } from "./host-facts.ts";
import type { CompiledList, Edge, EdgeKind, ReleaseTraits } from "./plugin-table.ts";
import type { Range } from "./range.ts";
import type { Release, ReleaseList, Requirements } from "./release-source.ts";
import { compareVersions } from "./version.ts";
import type { Version } from "./version.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Limits on what a source may answer; beyond them the list is refused as a whole. */
export const listLimits = {
  releases: 20_000,
  /** Requirements of all three kinds on one release. */
  edges: 2_000,
  nameLength: 256,
} as const;

/** What compiling needs of the catalogue that the list is for. */
export interface CompileContext {
  readonly vocabulary: Vocabulary;
  readonly idOf: (name: string) => number;
}

/** The list of a plugin that the source does not know. */
export const emptyList: CompiledList = { versions: [], traits: [], edges: [] };

/**
 * Checks and parses a release list.
 *
 * @throws ResolveError RESOLVE_LIST_INVALID naming the first thing that is wrong.
 */
export function compileList({ plugin, releases }: ReleaseList, context: CompileContext): CompiledList {
  if (releases.length > listLimits.releases) {
    throw invalidList(plugin, `holds ${releases.length} releases; at most ${listLimits.releases} are read`);
  }
  const sorted = sortReleases(plugin, releases, context.vocabulary);
  const gatherer = new EdgeGatherer(context);
  return {
    versions: sorted.map(({ version }) => version),
    traits: sorted.map(({ release }) => compileTraits(plugin, release, context.vocabulary)),
    edges: sorted.map(({ release }, place) => gatherer.gather(plugin, release, place)),
  };
}

interface Versioned {
  readonly version: Version;
  readonly release: Release;
}

function sortReleases(plugin: string, releases: readonly Release[], vocabulary: Vocabulary): Versioned[] {
  const sorted = releases.map((release) => {
    const version = vocabulary.tryVersion(release.version);
    if (version === undefined) throw invalidList(plugin, `holds ${quote(release.version)}, which is not a version`);
    return { version, release };
  });
  sorted.sort((a, b) => compareVersions(a.version, b.version));
  sorted.forEach(({ version: { text } }, index) => {
    if (sorted[index - 1]?.version.text === text) throw invalidList(plugin, `holds ${text} twice`);
  });
  return sorted;
}

/** The traits of a release that says nothing special; most are like that, and share this one. */
const plainTraits: ReleaseTraits = {
  api: undefined,
  platforms: undefined,
  level: undefined,
  isYanked: false,
  publishedAtMs: undefined,
};

function compileTraits(plugin: string, release: Release, vocabulary: Vocabulary): ReleaseTraits {
  const { api, platforms, level, isYanked, publishedAt } = release;
  const isPlain = api === undefined && platforms === undefined && level === undefined && publishedAt === undefined;
  if (isPlain && isYanked !== true) return plainTraits;
  const where = `${plugin} ${release.version}`;
  if (level !== undefined && !isSecurityLevel(level)) {
    throw invalidList(where, `asks for the level ${quote(level)}, which does not exist`);
  }
  return {
    api: api === undefined ? undefined : compileRange(where, "the Berth API", api, vocabulary),
    platforms,
    level,
    isYanked: isYanked === true,
    publishedAtMs: publishedAt === undefined ? undefined : instantMs(where, publishedAt),
  };
}

/** An edge while its makers are being gathered. */
type Builder = Edge & { readonly makers: number[] };

/** Edges of one target are compared with this many of the last ones; sharing is a saving, not a need. */
const COMPARED = 32;

/** Makes the edges of one list, sharing those that several releases have in common. */
class EdgeGatherer {
  readonly #context: CompileContext;
  readonly #ofTarget = new Map<string, Builder[]>();

  constructor(context: CompileContext) {
    this.#context = context;
  }

  gather(plugin: string, release: Release, place: number): Edge[] {
    const edges: Edge[] = [];
    this.#add(plugin, release, "dependency", release.dependencies, place, edges);
    this.#add(plugin, release, "optional", release.optionalDependencies, place, edges);
    this.#add(plugin, release, "conflict", release.conflicts, place, edges);
    if (edges.length > listLimits.edges) {
      const where = `${plugin} ${release.version}`;
      throw invalidList(where, `has ${edges.length} requirements; at most ${listLimits.edges} are read`);
    }
    return edges;
  }

  #add(
    plugin: string,
    { version }: Release,
    kind: EdgeKind,
    requirements: Requirements | undefined,
    place: number,
    edges: Edge[],
  ): void {
    if (requirements === undefined) return;
    for (const target of Object.keys(requirements)) {
      const requirement = requirements[target] as Requirements[string];
      const text = typeof requirement === "string" ? requirement : requirement.range;
      const isLazy = typeof requirement === "object" && requirement.isLazy === true;
      const range = this.#context.vocabulary.tryRange(text);
      if (range === undefined || target.length === 0 || target.length > listLimits.nameLength) {
        throw invalidRequirement(`${plugin} ${version}`, target, text);
      }
      const builder = this.#builder(kind, target, range, isLazy);
      if (builder.makers.at(-1) === place) builder.makers[builder.makers.length - 1] = place + 1;
      else builder.makers.push(place, place + 1);
      edges.push(builder);
    }
  }

  /** Ranges are interned by the vocabulary, so the same text is the same object. */
  #builder(kind: EdgeKind, target: string, range: Range, isLazy: boolean): Builder {
    let known = this.#ofTarget.get(target);
    if (known === undefined) this.#ofTarget.set(target, (known = []));
    for (let index = known.length - 1; index >= 0 && index >= known.length - COMPARED; index -= 1) {
      const builder = known[index] as Builder;
      if (builder.range === range && builder.kind === kind && builder.isLazy === isLazy) return builder;
    }
    const builder: Builder = { kind, target, targetId: this.#context.idOf(target), range, isLazy, makers: [] };
    known.push(builder);
    return builder;
  }
}

function compileRange(where: string, of: string, text: string, vocabulary: Vocabulary): Range {
  const range = vocabulary.tryRange(text);
  if (range === undefined) throw invalidList(where, `asks for ${of} ${quote(text)}, which is not a version range`);
  return range;
}

function instantMs(where: string, text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalidList(where, `was published at ${quote(text)}, which is not an instant`);
  return ms;
}

function invalidRequirement(where: string, target: string, text: string): ResolveError {
  if (target.length > 0 && target.length <= listLimits.nameLength) {
    return invalidList(where, `asks for ${quote(target)} ${quote(text)}, which is not a version range`);
  }
  return invalidList(where, `names a plugin ${quote(target)}; names have 1 to ${listLimits.nameLength} characters`);
}

function invalidList(where: string, problem: string): ResolveError {
  return new ResolveError("RESOLVE_LIST_INVALID", `The release list of ${quote(where)} ${problem}`);
}
