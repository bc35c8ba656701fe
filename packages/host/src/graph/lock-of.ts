import type { LockedRelease, Lockfile } from "@berth/resolver";

import { HostError } from "../errors.ts";
import type { InstalledNode } from "./installed-graph.ts";

/**
 * The lock that installs the same releases elsewhere: what was asked for from registries, and all that it
 * needs. Plugins from files are left out, because nobody else could fetch them.
 *
 * @throws HostError HOST_NOT_LOCKABLE when something from a registry needs a plugin that came from a file
 */
export function lockOf(nodes: readonly InstalledNode[]): Lockfile {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const roots = nodes.filter(({ askedRange, registry }) => askedRange !== undefined && registry !== undefined);
  const releases = new Map<string, LockedRelease>();
  const pending = roots.map(({ id }) => id);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const node = byId.get(id);
    if (node === undefined || releases.has(id)) continue;
    const needs = node.needs.filter((need) => byId.has(need.id));
    releases.set(id, lockedRelease(node, needs));
    pending.push(...needs.map((need) => need.id));
  }
  return {
    requirements: Object.fromEntries(roots.map(({ id, askedRange = "*" }) => [id, askedRange])),
    releases: Array.from(releases.values()),
  };
}

function lockedRelease(
  { id, version, registry, contentDigest, fileDigest }: InstalledNode,
  needs: InstalledNode["needs"],
): LockedRelease {
  if (registry === undefined) {
    throw new HostError("HOST_NOT_LOCKABLE", `${id} ${version} came from a file, and plugins from registries need it`);
  }
  return {
    plugin: id,
    version,
    registry,
    contentSha256: contentDigest.replace("sha256:", ""),
    fileSha256: fileDigest.replace("sha256:", ""),
    needs: needs
      .map((need) => ({
        plugin: need.id,
        kind: need.isOptional ? ("optional" as const) : ("dependency" as const),
        isLazy: need.isLazy,
      }))
      .toSorted((a, b) => (a.plugin < b.plugin ? -1 : 1)),
  };
}
