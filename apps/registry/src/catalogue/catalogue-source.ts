import { ResolveError } from "@berth/resolver";
import type { ReleaseAnswer, ReleaseList, ReleaseSource, Requirements } from "@berth/resolver";
import { MAX_RELEASES } from "@berth/spec";
import type { Manifest } from "@berth/spec";

import type { Database } from "../database/open-database.ts";
import type { ReleaseEntry } from "./documents.ts";

type Release = ReleaseList["releases"][number];

/** What of a manifest or an index entry says what a release needs. */
type Needing = Pick<Manifest, "version" | "dependencies" | "conflicts">;

/** Releases that one resolution reads at most: two lists of the largest size. */
const MAX_RELEASES_READ = 2 * MAX_RELEASES;

/** Plugins in one query; databases limit the parameters of a statement. */
const PLUGINS_PER_QUERY = 500;

/** The catalogue as the resolver sees it while a release is published: what stands in it, and the candidate. */
export class CatalogueSource implements ReleaseSource {
  readonly #db: Database;
  readonly #candidate: Manifest;
  readonly #deadlineMs: number;
  #releasesLeft = MAX_RELEASES_READ;

  /** Reads nothing after `deadlineMs` of `performance.now()`: a long chain costs the search little and us much. */
  constructor(db: Database, candidate: Manifest, deadlineMs: number) {
    this.#db = db;
    this.#candidate = candidate;
    this.#deadlineMs = deadlineMs;
  }

  /** @throws ResolveError RESOLVE_BUDGET_EXHAUSTED */
  async load(plugins: readonly string[]): Promise<ReleaseAnswer> {
    const { id, dependencies } = this.#candidate;
    // The candidate's other releases are never chosen, but where it needs anything an explanation may name them.
    const isAlone = Object.keys(dependencies).length === 0;
    const asked = plugins.filter((plugin) => plugin !== id || !isAlone);
    const lists = new Map<string, Release[]>();
    for (let start = 0; start < asked.length; start += PLUGINS_PER_QUERY) {
      const found = await this.#read(asked.slice(start, start + PLUGINS_PER_QUERY));
      for (const [plugin, releases] of found) lists.set(plugin, releases);
    }
    if (plugins.includes(id)) lists.set(id, [...(lists.get(id) ?? []), releaseOf(this.#candidate, false)]);
    return { lists: Array.from(lists, ([plugin, releases]) => ({ plugin, releases })) };
  }

  async #read(plugins: readonly string[]): Promise<Map<string, Release[]>> {
    if (performance.now() > this.#deadlineMs) throw exhausted("the time was over");
    const rows = await this.#db
      .selectFrom("releases")
      .select(["plugin", "entry", "yanked"])
      .where("plugin", "in", plugins)
      .limit(this.#releasesLeft + 1)
      .execute();
    this.#releasesLeft -= rows.length;
    if (this.#releasesLeft < 0) throw exhausted(`${MAX_RELEASES_READ} releases were read`);
    const lists = new Map<string, Release[]>();
    for (const { plugin, entry, yanked } of rows) {
      const release = releaseOf(JSON.parse(entry) as ReleaseEntry, yanked !== null);
      const list = lists.get(plugin);
      if (list === undefined) lists.set(plugin, [release]);
      else list.push(release);
    }
    return lists;
  }
}

const exhausted = (why: string): ResolveError =>
  new ResolveError("RESOLVE_BUDGET_EXHAUSTED", `The catalogue was read no further, because ${why}`);

/**
 * A lazy or optional dependency may come later, so neither counts, the candidate's or anybody's: else two
 * plugins that need each other could never be published.
 */
function releaseOf({ version, dependencies, conflicts }: Needing, isYanked: boolean): Release {
  const needed: Requirements = Object.fromEntries(
    Object.entries(dependencies).flatMap(([id, dependency]) => {
      if (typeof dependency === "string") return [[id, dependency]];
      return dependency.lazy ? [] : [[id, dependency.range]];
    }),
  );
  return { version, dependencies: needed, conflicts, isYanked };
}
