import type { ReleaseAnswer, ReleaseList, ReleaseSource, Requirements } from "@berth/resolver";
import { publisherOf, tryParsePluginId } from "@berth/spec";
import type { Manifest, PluginIndex, ReleaseIndex } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { OpenRegistry, RegistrySession } from "../registry/registry-session.ts";

type Dependencies = Manifest["dependencies"];

/** A release that is on this machine already: installed, or a package at hand. */
export interface LocalRelease {
  readonly manifest: Manifest;
}

/** Where a release was found. */
export interface FoundRelease {
  readonly registry: OpenRegistry;
  readonly release: ReleaseIndex;
  readonly index: PluginIndex;
}

/**
 * The registries as the resolver sees them, during one plan. Each index file is read at most once, so that
 * a registry which changes its mind in between is not seen in two states.
 *
 * What is installed answers for itself and is not asked for: a registry learns what somebody wants to
 * install, never what is there. Only plugins that stand in the way (`open`) are looked up.
 */
export class GraphSource implements ReleaseSource {
  readonly #session: RegistrySession;
  readonly #local: ReadonlyMap<string, LocalRelease>;
  readonly #open: ReadonlySet<string>;
  readonly #signal: AbortSignal | undefined;
  readonly #onList: (() => void) | undefined;
  /** Shared by the sources of one plan. */
  readonly #read: GraphReadings;

  constructor(parts: {
    readonly session: RegistrySession;
    readonly local: ReadonlyMap<string, LocalRelease>;
    readonly open: ReadonlySet<string>;
    readonly readings: GraphReadings;
    readonly signal?: AbortSignal | undefined;
    readonly onList?: (() => void) | undefined;
  }) {
    this.#session = parts.session;
    this.#local = parts.local;
    this.#open = parts.open;
    this.#read = parts.readings;
    this.#signal = parts.signal;
    this.#onList = parts.onList;
  }

  async load(plugins: readonly string[]): Promise<ReleaseAnswer> {
    const asked = plugins.filter((id) => !this.#isSettled(id) && tryParsePluginId(id) !== undefined);
    const byPublisher = Map.groupBy(asked, publisherOf);
    await Promise.all(Array.from(byPublisher, ([publisher, ids]) => this.#loadPublisher(publisher, ids)));
    const lists = await Promise.all(plugins.map((id) => this.#listOf(id)));
    return { lists: lists.filter((list) => list !== undefined) };
  }

  prefetch(plugins: readonly string[]): void {
    for (const id of plugins) {
      // Where a publisher belongs is decided by `load` alone: it must not depend on who answers first.
      const home =
        this.#isSettled(id) || tryParsePluginId(id) === undefined ? undefined : this.#knownHome(publisherOf(id));
      // Whoever needs the list asks for it again and hears of the failure then.
      if (home !== undefined) this.#indexOf(home, id).catch(() => undefined);
    }
  }

  /** Where a release of a solution comes from; `undefined` for what is on this machine. */
  async find(id: string, version: string): Promise<FoundRelease | undefined> {
    if (this.#isSettled(id)) return undefined;
    const home = this.#knownHome(publisherOf(id));
    const index = home && (await this.#indexOf(home, id));
    const release = index?.releases.find((each) => each.version === version);
    return home && index && release && { registry: home, release, index };
  }

  #isSettled(id: string): boolean {
    return this.#local.has(id) && !this.#open.has(id);
  }

  #knownHome(publisher: string): OpenRegistry | undefined {
    return this.#read.homes.get(publisher) ?? this.#boundHome(publisher);
  }

  /** @throws HostError HOST_REGISTRY_UNKNOWN when a publisher belongs to a registry that is not configured */
  #boundHome(publisher: string): OpenRegistry | undefined {
    const binding = this.#session.bindings.get(publisher);
    return binding && this.#session.registries.find(({ url }) => url === binding.url);
  }

  async #loadPublisher(publisher: string, ids: readonly string[]): Promise<void> {
    const binding = this.#session.bindings.get(publisher);
    const home = this.#knownHome(publisher);
    if (home !== undefined) {
      if (binding === undefined) await this.#verifyFirst(publisher, home, ids);
      await Promise.all(ids.map((id) => this.#indexOf(home, id)));
      return;
    }
    if (binding !== undefined) {
      throw new HostError(
        "HOST_REGISTRY_UNKNOWN",
        `${publisher} belongs to the registry ${binding.url}, which is not configured any more`,
        { hint: `If its packages may come from elsewhere: berth registry bind ${publisher} NAME` },
      );
    }
    // The first registry by priority that has anything of the publisher is the publisher's. One that does
    // not answer ends the plan: to go on to the next one would let its absence decide whom we trust.
    for (const registry of this.#session.registries) {
      const found = await Promise.all(ids.map((id) => this.#indexOf(registry, id)));
      if (found.every((index) => index === undefined)) continue;
      this.#read.homes.set(publisher, registry);
      return;
    }
  }

  /**
   * A name that only the public registry has must not bring in the rest of its publisher from there, when a
   * registry that comes first turns out to have some of it.
   */
  async #verifyFirst(publisher: string, home: OpenRegistry, ids: readonly string[]): Promise<void> {
    for (const registry of this.#session.registries.slice(0, this.#session.registries.indexOf(home))) {
      const found = await Promise.all(ids.map((id) => this.#indexOf(registry, id)));
      if (found.every((index) => index === undefined)) continue;
      throw new HostError(
        "HOST_PUBLISHER_AMBIGUOUS",
        `packages of ${publisher} are in ${registry.name} and, others of them, in ${home.name}`,
        { hint: `Say to whom the name belongs: berth registry bind ${publisher} NAME` },
      );
    }
  }

  #indexOf(registry: OpenRegistry, id: string): Promise<PluginIndex | undefined> {
    const key = `${registry.url} ${id}`;
    let reading = this.#read.indexes.get(key);
    if (reading === undefined) {
      reading = registry.client.index(id, this.#signal).then((index) => {
        this.#onList?.();
        return index;
      });
      this.#read.indexes.set(key, reading);
    }
    return reading;
  }

  async #listOf(id: string): Promise<ReleaseList | undefined> {
    const local = this.#local.get(id);
    if (local !== undefined && !this.#open.has(id))
      return { plugin: id, releases: [releaseOfManifest(local.manifest)] };
    const home = tryParsePluginId(id) === undefined ? undefined : this.#knownHome(publisherOf(id));
    const index = home && (await this.#indexOf(home, id));
    const releases = index?.releases.map(releaseOfIndex) ?? [];
    // An installed release that left the registry can still stay.
    const isGone = local !== undefined && !releases.some(({ version }) => version === local.manifest.version);
    if (isGone) releases.push(releaseOfManifest(local.manifest));
    return releases.length === 0 ? undefined : { plugin: id, releases };
  }
}

/** What was read during one plan. */
export class GraphReadings {
  readonly indexes = new Map<string, Promise<PluginIndex | undefined>>();
  /** Registries of publishers that are not bound yet. */
  readonly homes = new Map<string, OpenRegistry>();
}

type Release = ReleaseList["releases"][number];

function releaseOfIndex(release: ReleaseIndex): Release {
  const { version, dependencies, optionalDependencies, conflicts, api, level, yanked, publishedAt } = release;
  return {
    version,
    dependencies: requirementsOf(dependencies),
    optionalDependencies: requirementsOf(optionalDependencies),
    conflicts,
    api,
    level,
    isYanked: yanked !== undefined,
    publishedAt,
  };
}

function releaseOfManifest({ version, dependencies, optionalDependencies, conflicts, api, level }: Manifest): Release {
  return {
    version,
    dependencies: requirementsOf(dependencies),
    optionalDependencies: requirementsOf(optionalDependencies),
    conflicts,
    api,
    level,
    // It is here, and was old enough when it was installed.
    publishedAt: "1970-01-01T00:00:00.000Z",
  };
}

function requirementsOf(dependencies: Dependencies): Requirements {
  return Object.fromEntries(
    Object.entries(dependencies).map(([id, dependency]) => [
      id,
      typeof dependency === "string" ? dependency : { range: dependency.range, isLazy: dependency.lazy },
    ]),
  );
}
