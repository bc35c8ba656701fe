import type { Manifest } from "@berth/spec";

/**
 * The order in which plugins are started: waves of ids, each of which needs only what is in the waves before it.
 * Lazy dependencies do not count; what needs itself in a circle comes last, together.
 */
export function startOrder(ids: readonly string[], manifests: ReadonlyMap<string, Manifest>): string[][] {
  const waves: string[][] = [];
  const waiting = new Set(ids);
  while (waiting.size > 0) {
    const ready = [...waiting].filter((id) => needsOf(manifests.get(id)).every((each) => !waiting.has(each)));
    const wave = ready.length > 0 ? ready : [...waiting];
    for (const id of wave) waiting.delete(id);
    waves.push(wave.toSorted());
  }
  return waves;
}

function needsOf(manifest: Manifest | undefined): string[] {
  return Object.entries({ ...manifest?.dependencies, ...manifest?.optionalDependencies })
    .filter(([, dependency]) => typeof dependency === "string" || !dependency.lazy)
    .map(([id]) => id);
}
