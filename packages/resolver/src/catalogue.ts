import { quote } from "@berth/base";
import { ResolveError } from "./errors.ts";
import { isSecurityLevel } from "./host-facts.ts";
import { PluginTable } from "./plugin-table.ts";
import type { CompiledRelease, Edge, EdgeKind, ReleaseEntry } from "./plugin-table.ts";
import type { Range } from "./range.ts";
import type { Release, ReleaseAnswer, ReleaseList, Requirements } from "./release-source.ts";
import { compareVersions } from "./version.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Limits on what a source may answer; beyond them the list is refused as a whole. */
export const listLimits = {
  releases: 20_000,
  /** Requirements of all three kinds on one release. */
  edges: 2_000,
  nameLength: 256,
} as const;

/**
 * The release lists read so far, compiled. One catalogue may serve many resolutions over the same state of
 * the source (several root sets, the trials of a fix); it grows and never changes what it holds.
 */
export class Catalogue {
  readonly vocabulary: Vocabulary;
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #tables: (PluginTable | undefined)[] = [];
  #revision: string | undefined;
  #hasAnswer = false;

  constructor(vocabulary = new Vocabulary()) {
    this.vocabulary = vocabulary;
  }

  readonly idOf = (name: string): number => {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#names.length;
      this.#ids.set(name, id);
      this.#names.push(name);
    }
    return id;
  };

  tryTable(id: number): PluginTable | undefined {
    return this.#tables[id];
  }

  /** The table of a plugin that has been absorbed; anything else is a mistake of the caller. */
  table(id: number): PluginTable {
    const table = this.#tables[id];
    if (table === undefined) throw new Error(`The release list of ${quote(this.#names[id])} was never loaded`);
    return table;
  }

  /** Names of all listed plugins that have been read, for near misses. */
  *listedNames(): Generator<string> {
    for (const table of this.#tables) if (table?.isListed === true) yield table.name;
  }

  /**
   * Takes in the answer to a question for `asked`. Plugins without a list are recorded as unknown to the source.
   *
   * @throws ResolveError RESOLVE_LIST_INVALID for a list that is malformed, doubled or was not asked for;
   *   RESOLVE_SOURCE_CHANGED when the answer's revision differs from that of an earlier answer.
   */
  absorb(asked: readonly string[], answer: ReleaseAnswer): void {
    if (this.#hasAnswer && answer.revision !== this.#revision) {
      throw new ResolveError(
        "RESOLVE_SOURCE_CHANGED",
        `The source answered from revision ${quote(this.#revision)} before and from ${quote(answer.revision)} now`,
        { hint: "Resolve again." },
      );
    }
    this.#hasAnswer = true;
    this.#revision = answer.revision;
    const open = new Set(asked);
    for (const list of answer.lists) {
      if (!open.delete(list.plugin)) {
        throw new ResolveError(
          "RESOLVE_LIST_INVALID",
          `The source gave a list for ${quote(list.plugin)} that was not asked for, or gave it twice`,
        );
      }
      this.#enter(list.plugin, compileReleases(list, this), true);
    }
    for (const missing of open) this.#enter(missing, [], false);
  }

  #enter(name: string, entries: readonly ReleaseEntry[], isListed: boolean): void {
    const id = this.idOf(name);
    if (this.#tables[id] !== undefined) {
      throw new ResolveError("RESOLVE_SOURCE_CHANGED", `The source answered twice for ${quote(name)}`);
    }
    this.#tables[id] = new PluginTable(id, name, entries, isListed);
  }
}

/** What the compilation of a list needs of the catalogue. */
type Context = Pick<Catalogue, "vocabulary" | "idOf">;

function compileReleases({ plugin, releases }: ReleaseList, context: Context): ReleaseEntry[] {
  if (releases.length > listLimits.releases) {
    throw invalidList(plugin, `holds ${releases.length} releases; at most ${listLimits.releases} are read`);
  }
  const compiled = releases.map((release) => compileRelease(plugin, release, context));
  compiled.sort((a, b) => compareVersions(a.release.version, b.release.version));
  for (let index = 1; index < compiled.length; index += 1) {
    const { version } = (compiled[index] as ReleaseEntry).release;
    if ((compiled[index - 1] as ReleaseEntry).release.version.text === version.text) {
      throw invalidList(plugin, `holds ${version.text} twice`);
    }
  }
  return compiled;
}

function compileRelease(plugin: string, release: Release, context: Context): ReleaseEntry {
  const { vocabulary } = context;
  const version = vocabulary.tryVersion(release.version);
  if (version === undefined) throw invalidList(plugin, `holds ${quote(release.version)}, which is not a version`);
  const where = `${plugin} ${version.text}`;
  const edges: Edge[] = [];
  compileEdges(where, "dependency", release.dependencies, context, edges);
  compileEdges(where, "optional", release.optionalDependencies, context, edges);
  compileEdges(where, "conflict", release.conflicts, context, edges);
  if (edges.length > listLimits.edges) {
    throw invalidList(where, `has ${edges.length} requirements; at most ${listLimits.edges} are read`);
  }
  if (edges.length > 1) edges.sort(compareEdges);
  if (release.level !== undefined && !isSecurityLevel(release.level)) {
    throw invalidList(where, `asks for the level ${quote(release.level)}, which does not exist`);
  }
  const compiled: CompiledRelease = {
    version,
    api: release.api === undefined ? undefined : compileRange(where, "the Berth API", release.api, vocabulary),
    platforms: release.platforms,
    level: release.level,
    isYanked: release.isYanked === true,
    publishedAtMs: release.publishedAt === undefined ? undefined : instantMs(where, release.publishedAt),
  };
  return { release: compiled, edges };
}

function compileEdges(
  where: string,
  kind: EdgeKind,
  requirements: Requirements | undefined,
  { vocabulary, idOf }: Context,
  edges: Edge[],
): void {
  if (requirements === undefined) return;
  for (const [target, requirement] of Object.entries(requirements)) {
    if (target.length === 0 || target.length > listLimits.nameLength) {
      throw invalidList(where, `names a plugin ${quote(target)}; names have 1 to ${listLimits.nameLength} characters`);
    }
    const text = typeof requirement === "string" ? requirement : requirement.range;
    const isLazy = typeof requirement === "object" && requirement.isLazy === true;
    const range = compileRange(where, target, text, vocabulary);
    edges.push({ kind, target, targetId: idOf(target), range, isLazy });
  }
}

function compileRange(where: string, of: string, text: string, vocabulary: Vocabulary): Range {
  const range = vocabulary.tryRange(text);
  if (range === undefined)
    throw invalidList(where, `asks for ${quote(of)} ${quote(text)}, which is not a version range`);
  return range;
}

function instantMs(where: string, text: string): number {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) throw invalidList(where, `was published at ${quote(text)}, which is not an instant`);
  return ms;
}

// By code units: the same on every machine, whatever its locale.
function compareEdges(a: Edge, b: Edge): number {
  if (a.target !== b.target) return a.target < b.target ? -1 : 1;
  return a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : 0;
}

function invalidList(where: string, problem: string): ResolveError {
  return new ResolveError("RESOLVE_LIST_INVALID", `The release list of ${quote(where)} ${problem}`);
}
