import { quote } from "@berth/base";
import { ResolveError } from "./errors.ts";
import type { ResolvedNeed } from "./resolution.ts";

/** What the order is made from: a solution's releases, or a lockfile's. */
export interface OrderedRelease {
  readonly plugin: string;
  readonly needs: readonly ResolvedNeed[];
}

/** Plugins that are installed together: one, or several that need each other in a circle. */
export interface InstallGroup {
  /** In the order in which they can start: what is needed at once comes before who needs it. */
  readonly plugins: readonly string[];
  /**
   * A circle of needs none of which is lazy, each plugin needing the next and the last the first. Its
   * members cannot start; `undefined` where there is no such circle.
   */
  readonly circle: readonly string[] | undefined;
}

/**
 * Sorts releases so that everything comes after what it needs. The order depends on names and needs alone.
 * Optional needs count, as both are there; a plugin's need of itself does not.
 */
export function installOrder(releases: readonly OrderedRelease[]): InstallGroup[] {
  const all = graphOf(releases, () => true);
  const eager = graphOf(releases, ({ isLazy }) => !isLazy);
  return components(all).map((members) => orderGroup(members, eager));
}

/**
 * The install order as one list.
 *
 * @throws ResolveError RESOLVE_CYCLE, showing the circle, where no order lets every plugin start.
 */
export function requireInstallOrder(releases: readonly OrderedRelease[]): string[] {
  return installOrder(releases).flatMap(({ plugins, circle }) => {
    if (circle === undefined) return plugins;
    const shown = [...circle, circle[0] as string].map((plugin) => quote(plugin)).join(" → ");
    throw new ResolveError("RESOLVE_CYCLE", `These plugins need each other before any can start: ${shown}`, {
      details: { circle },
    });
  });
}

/** Plugin to the plugins that it needs; both sorted. */
type Graph = ReadonlyMap<string, readonly string[]>;

function graphOf(releases: readonly OrderedRelease[], counts: (need: ResolvedNeed) => boolean): Graph {
  const names = new Set(releases.map(({ plugin }) => plugin));
  const graph = new Map<string, string[]>();
  for (const name of Array.from(names).toSorted()) graph.set(name, []);
  for (const { plugin, needs } of releases) {
    const targets = needs.filter((need) => counts(need) && need.plugin !== plugin && names.has(need.plugin));
    graph.set(plugin, Array.from(new Set(targets.map((need) => need.plugin))).toSorted());
  }
  return graph;
}

function orderGroup(members: readonly string[], eager: Graph): InstallGroup {
  if (members.length === 1) return { plugins: members, circle: undefined };
  const inside = new Set(members);
  const within = new Map<string, readonly string[]>();
  for (const member of members.toSorted())
    within.set(
      member,
      (eager.get(member) ?? []).filter((name) => inside.has(name)),
    );
  const parts = components(within);
  const knot = parts.find((part) => part.length > 1);
  return { plugins: parts.flat(), circle: knot === undefined ? undefined : circleIn(knot, within) };
}

/** Follows needs inside a strongly connected set until a plugin comes up again. */
function circleIn(knot: readonly string[], graph: Graph): string[] {
  const inside = new Set(knot);
  const path = [knot.toSorted()[0] as string];
  for (;;) {
    const next = (graph.get(path.at(-1) as string) ?? []).find((name) => inside.has(name)) as string;
    const start = path.indexOf(next);
    if (start !== -1) return path.slice(start);
    path.push(next);
  }
}

interface Visit {
  readonly name: string;
  readonly index: number;
  /** The lowest index that can be reached from here and is not yet in a component. */
  low: number;
  /** The next need to follow. */
  next: number;
}

/**
 * Strongly connected components, each after those that it needs: Tarjan's algorithm (1972), with a stack
 * of its own because a chain of needs may be longer than the call stack.
 */
function components(graph: Graph): string[][] {
  const result: string[][] = [];
  const visits = new Map<string, Visit>();
  const isPlaced = new Set<string>();
  const pending: string[] = [];
  for (const root of graph.keys()) {
    if (visits.has(root)) continue;
    const path: Visit[] = [enter(root, visits, pending)];
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const need = graph.get(visit.name)?.[visit.next];
      visit.next += 1;
      if (need !== undefined) {
        const known = visits.get(need);
        if (known === undefined) path.push(enter(need, visits, pending));
        else if (!isPlaced.has(need)) visit.low = Math.min(visit.low, known.index);
        continue;
      }
      path.pop();
      const parent = path.at(-1);
      if (parent !== undefined) parent.low = Math.min(parent.low, visit.low);
      if (visit.low === visit.index) {
        // From the end: the members are the last ones, and a search from the start would be quadratic.
        const members = pending.splice(pending.lastIndexOf(visit.name));
        for (const member of members) isPlaced.add(member);
        result.push(members);
      }
    }
  }
  return result;
}

function enter(name: string, visits: Map<string, Visit>, pending: string[]): Visit {
  const visit: Visit = { name, index: visits.size, low: visits.size, next: 0 };
  visits.set(name, visit);
  pending.push(name);
  return visit;
}
