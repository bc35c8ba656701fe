import type { InstalledNode } from "./installed-graph.ts";

/** As much of a node as tells who needs whom. */
export type NeedingNode = Pick<InstalledNode, "id" | "askedRange" | "needs" | "areNeedsUnknown">;

/** What nobody asked for and nobody would need any more once some plugins have left, sorted. */
export function unneededAfter(nodes: readonly NeedingNode[], leaving: readonly string[]): string[] {
  const staying = new Map(nodes.filter(({ id }) => !leaving.includes(id)).map((node) => [node.id, node]));
  // Whoever's needs are unknown may need any of them.
  if ([...staying.values()].some(({ areNeedsUnknown }) => areNeedsUnknown === true)) return [];
  const needed = new Set<string>();
  const pending = [...staying.values()].filter(({ askedRange }) => askedRange !== undefined).map(({ id }) => id);
  for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
    const node = staying.get(id);
    if (node === undefined || needed.has(id)) continue;
    needed.add(id);
    pending.push(...node.needs.map((need) => need.id));
  }
  return [...staying.keys()].filter((id) => !needed.has(id)).toSorted();
}
