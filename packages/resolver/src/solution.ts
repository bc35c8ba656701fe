import type { PluginTable } from "./plugin-table.ts";
import type { CompiledRequest } from "./request.ts";
import type { AppliedOverride, ResolvedNeed, ResolvedRelease, Solution, WorkCounts } from "./resolution.ts";

/** Makes a solution of the places that the solver decided on. */
export function solutionOf(
  places: ReadonlyMap<PluginTable, number>,
  request: CompiledRequest,
  counts: WorkCounts,
): Solution {
  // By code units: the same on every machine, whatever its locale.
  const chosen = Array.from(places).toSorted(([a], [b]) => (a.name < b.name ? -1 : 1));
  const names = new Set(chosen.map(([plugin]) => plugin.name));
  return {
    kind: "solution",
    versions: new Map(chosen.map(([plugin, place]) => [plugin.name, versionAt(plugin, place)])),
    releases: chosen.map(([plugin, place]) => resolvedRelease(plugin, place, names)),
    overrides: appliedOverrides(chosen, request),
    counts,
  };
}

function versionAt(plugin: PluginTable, place: number): string {
  return plugin.versions[place]?.text as string;
}

function resolvedRelease(plugin: PluginTable, place: number, names: ReadonlySet<string>): ResolvedRelease {
  const needs: ResolvedNeed[] = [];
  for (const { kind, target, isLazy } of plugin.edgesAt(place)) {
    if (kind !== "conflict" && names.has(target)) needs.push({ plugin: target, kind, isLazy });
  }
  return { plugin: plugin.name, version: versionAt(plugin, place), needs };
}

function appliedOverrides(chosen: readonly (readonly [PluginTable, number])[], request: CompiledRequest) {
  const applied: AppliedOverride[] = [];
  if (request.overrides.size === 0) return applied;
  for (const { plugin, range } of request.roots) {
    const to = request.overrides.get(plugin);
    if (to !== undefined) applied.push({ by: undefined, plugin, from: range.text, to: to.text });
  }
  for (const [plugin, place] of chosen) {
    for (const { kind, target, range } of plugin.edgesAt(place)) {
      const to = kind === "conflict" ? undefined : request.overrides.get(target);
      if (to !== undefined) applied.push({ by: plugin.name, plugin: target, from: range.text, to: to.text });
    }
  }
  return applied;
}
