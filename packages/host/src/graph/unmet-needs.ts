import { versionInRange } from "@berth/spec";
import type { Manifest } from "@berth/spec";

import { HostError } from "../errors.ts";

type Manifests = ReadonlyMap<string, Manifest>;

const rangeOf = (dependency: Manifest["dependencies"][string]): string =>
  typeof dependency === "string" ? dependency : dependency.range;

/** What one plugin asks of the others and does not get, one sentence each. */
function unmetNeedsOf(manifest: Manifest, all: Pick<Manifests, "get">): string[] {
  const who = `${manifest.id} ${manifest.version}`;
  const unmet: string[] = [];
  for (const [id, dependency] of Object.entries(manifest.dependencies)) {
    const found = all.get(id)?.version;
    const range = rangeOf(dependency);
    if (found === undefined) unmet.push(`${who} needs ${id} ${range}, which is not installed`);
    else if (!versionInRange(found, range)) unmet.push(`${who} needs ${id} ${range}, and ${found} is installed`);
  }
  for (const [id, dependency] of Object.entries(manifest.optionalDependencies)) {
    const found = all.get(id)?.version;
    const range = rangeOf(dependency);
    if (found !== undefined && !versionInRange(found, range))
      unmet.push(`${who} works with ${id} ${range}, and ${found} is installed`);
  }
  for (const [id, range] of Object.entries(manifest.conflicts)) {
    const found = all.get(id)?.version;
    if (found !== undefined && versionInRange(found, range)) unmet.push(`${who} cannot stand beside ${id} ${found}`);
  }
  return unmet;
}

/**
 * Compares what a plugin needs of others with what is there, before its code is loaded.
 *
 * @throws HostError HOST_DEPENDENCY_UNMET
 */
export function verifyNeedsOf(manifest: Manifest, all: Pick<Manifests, "get">): void {
  throwUnmet(unmetNeedsOf(manifest, all));
}

/**
 * Compares everybody's needs with a state that is to be installed. `broken` is what did not hold before:
 * an install may leave that as it is, but adds nothing to it.
 *
 * @throws HostError HOST_DEPENDENCY_UNMET
 */
export function verifyAllNeeds(after: Manifests, before: Manifests): void {
  const broken = new Set(Array.from(before.values()).flatMap((manifest) => unmetNeedsOf(manifest, before)));
  const unmet = Array.from(after.values()).flatMap((manifest) => unmetNeedsOf(manifest, after));
  throwUnmet(unmet.filter((sentence) => !broken.has(sentence)));
}

function throwUnmet(unmet: readonly string[]): void {
  if (unmet.length === 0) return;
  throw new HostError("HOST_DEPENDENCY_UNMET", unmet.slice(0, 10).join("; "), { details: { unmet } });
}

/**
 * Refuses to take away what others depend on. Optional dependencies do without.
 *
 * @throws HostError HOST_PLUGIN_NEEDED
 */
export function verifyNobodyNeeds(leaving: readonly string[], all: Manifests): void {
  const staying = Array.from(all.values()).filter(({ id }) => !leaving.includes(id));
  for (const id of leaving) {
    const neededBy = staying.filter(({ dependencies }) => Object.hasOwn(dependencies, id)).map((each) => each.id);
    if (neededBy.length === 0) continue;
    throw new HostError("HOST_PLUGIN_NEEDED", `${id} is needed by ${neededBy.toSorted().join(", ")}`, {
      details: { neededBy: neededBy.toSorted() },
    });
  }
}

/**
 * Plugins that nobody asked for and nobody who was asked for needs, sorted. Optional dependencies keep
 * what is there.
 */
export function unneededPlugins(all: Manifests, isAsked: (id: string) => boolean): string[] {
  const needed = new Set<string>();
  const pending = Array.from(all.keys()).filter(isAsked);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const manifest = all.get(id);
    if (manifest === undefined || needed.has(id)) continue;
    needed.add(id);
    pending.push(...Object.keys(manifest.dependencies), ...Object.keys(manifest.optionalDependencies));
  }
  return Array.from(all.keys())
    .filter((id) => !needed.has(id))
    .toSorted();
}
