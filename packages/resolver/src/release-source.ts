import { ResolveError } from "./errors.ts";
import type { SecurityLevel } from "./host-facts.ts";

/** One requirement on another plugin: an npm range, evaluated with pre-releases included. */
export interface Requirement {
  readonly range: string;
  /** The plugin starts without the other one and asks for it later; such an edge may close a circle. */
  readonly isLazy?: boolean;
}

/** Plugin id to range. Read only through its entries, so any id is safe, `__proto__` included. */
export type Requirements = Readonly<Record<string, string | Requirement>>;

/** What the resolver must know of one release. */
export interface Release {
  /** Canonical semver without build metadata. */
  readonly version: string;
  readonly dependencies?: Requirements;
  /** Constrains the other plugin only where something else installs it. */
  readonly optionalDependencies?: Requirements;
  /** Releases of other plugins that must not be installed beside this one. */
  readonly conflicts?: Requirements;
  /** Range of the Berth API that the release needs; any when absent. */
  readonly api?: string;
  /** Platforms it runs on (`linux-x64` …); any when absent. */
  readonly platforms?: readonly string[];
  /** The lowest security level it accepts; any when absent. */
  readonly level?: SecurityLevel;
  readonly isYanked?: boolean;
  /** ISO instant of its publication. */
  readonly publishedAt?: string;
}

/** All releases of one plugin, in any order. */
export interface ReleaseList {
  readonly plugin: string;
  readonly releases: readonly Release[];
}

/** What a source knows of the plugins it was asked for. A plugin without a list does not exist there. */
export interface ReleaseAnswer {
  readonly lists: readonly ReleaseList[];
  /**
   * Names the state of the source that the lists were read from, such as a snapshot's version. Two answers
   * of one resolution with different revisions end it with RESOLVE_SOURCE_CHANGED.
   */
  readonly revision?: string;
}

/**
 * Where release lists come from. The resolver asks for each plugin at most once per resolution, and for
 * all that it needs at a time in one call.
 */
export interface ReleaseSource {
  /** Answers at once or later. Whatever it throws passes through the resolver unchanged. */
  load(plugins: readonly string[], signal?: AbortSignal): ReleaseAnswer | Promise<ReleaseAnswer>;
  /** A hint that these lists will probably be asked for soon. Must return at once and never throw. */
  prefetch?(plugins: readonly string[]): void;
}

/** A source over lists that are already in memory; it answers synchronously. */
export function memorySource(lists: Iterable<ReleaseList>): ReleaseSource {
  const byPlugin = new Map<string, ReleaseList>();
  for (const list of lists) {
    if (byPlugin.has(list.plugin)) {
      throw new ResolveError("RESOLVE_LIST_INVALID", `Plugin ${list.plugin} has two release lists`);
    }
    byPlugin.set(list.plugin, list);
  }
  return {
    load: (plugins) => ({ lists: plugins.map((plugin) => byPlugin.get(plugin)).filter((list) => list !== undefined) }),
  };
}
