import type { ReleaseList, Requirements } from "@berth/resolver";
import semver from "semver";

/**
 * A small world for exhaustive checks: what a request is about, without policy. It shares no code with the
 * resolver; ranges are judged by the semver library itself.
 */
export interface SmallWorld {
  readonly roots: Record<string, string>;
  readonly lists: readonly ReleaseList[];
}

/** Version by plugin; what is not named is absent. */
export type Choice = ReadonlyMap<string, string>;

const inRange = (version: string, range: string) => semver.satisfies(version, range, { includePrerelease: true });

function entries(requirements: Requirements | undefined): [string, string][] {
  return Object.entries(requirements ?? {}).map(([name, value]) => [
    name,
    typeof value === "string" ? value : value.range,
  ]);
}

/** Every choice of at most one release per plugin that fulfils all requirements, needed or not. */
export function* allChoices(world: SmallWorld): Generator<Choice> {
  const lists = world.lists.filter(({ releases }) => releases.length > 0);
  const places = lists.map(() => -1);
  for (;;) {
    const choice = new Map<string, string>();
    lists.forEach(({ plugin, releases }, index) => {
      const release = releases[places[index] as number];
      if (release !== undefined) choice.set(plugin, release.version);
    });
    if (isAllowed(choice, world)) yield choice;
    let digit = 0;
    while (digit < places.length) {
      const next = (places[digit] as number) + 1;
      if (next < (lists[digit] as ReleaseList).releases.length) {
        places[digit] = next;
        break;
      }
      places[digit] = -1;
      digit += 1;
    }
    if (digit === places.length) return;
  }
}

/** Whether a choice breaks no requirement of the roots or of its own releases. */
export function isAllowed(choice: Choice, { roots, lists }: SmallWorld): boolean {
  for (const [name, range] of Object.entries(roots)) {
    const version = choice.get(name);
    const yanked = version !== undefined && releaseOf(lists, name, version)?.isYanked === true;
    if (version === undefined || !inRange(version, range)) return false;
    if (yanked && !isPin(range, version)) return false;
  }
  for (const [name, version] of choice) {
    const release = releaseOf(lists, name, version);
    if (release === undefined) return false;
    if (release.isYanked === true && !isPin(roots[name] ?? "*", version)) return false;
    for (const [target, range] of entries(release.dependencies)) {
      const found = choice.get(target);
      if (found === undefined || !inRange(found, range)) return false;
    }
    for (const [target, range] of entries(release.optionalDependencies)) {
      const found = choice.get(target);
      if (found !== undefined && !inRange(found, range)) return false;
    }
    for (const [target, range] of entries(release.conflicts)) {
      const found = choice.get(target);
      if (found !== undefined && inRange(found, range)) return false;
    }
  }
  return true;
}

/** The ranges of these worlds pin a version only by naming it. */
function isPin(range: string, version: string): boolean {
  return range === version;
}

function releaseOf(lists: readonly ReleaseList[], name: string, version: string) {
  return lists.find(({ plugin }) => plugin === name)?.releases.find((release) => release.version === version);
}

/** Whether every plugin of a choice is reached from the roots through dependencies. */
export function isClosed(choice: Choice, { roots, lists }: SmallWorld): boolean {
  const reached = new Set<string>();
  const open = Object.keys(roots);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const version = choice.get(name);
    if (version === undefined || reached.has(name)) continue;
    reached.add(name);
    open.push(...entries(releaseOf(lists, name, version)?.dependencies).map(([target]) => target));
  }
  return reached.size === choice.size;
}

export function isSolvable(world: SmallWorld): boolean {
  for (const _ of allChoices(world)) return true;
  return false;
}

/** The world in which only `plugins` exist and requirements on others are dropped. */
export function restrict({ roots, lists }: SmallWorld, plugins: ReadonlySet<string>): SmallWorld {
  const keep = (requirements: Requirements | undefined) =>
    Object.fromEntries(entries(requirements).filter(([name]) => plugins.has(name)));
  return {
    roots: keep(roots) as Record<string, string>,
    lists: lists
      .filter(({ plugin }) => plugins.has(plugin))
      .map(({ plugin, releases }) => ({
        plugin,
        releases: releases.map((release) => ({
          ...release,
          dependencies: keep(release.dependencies),
          optionalDependencies: keep(release.optionalDependencies),
          conflicts: keep(release.conflicts),
        })),
      })),
  };
}
