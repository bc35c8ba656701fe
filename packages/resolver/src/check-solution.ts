import type { Catalogue } from "./catalogue.ts";
import { describeRequirement } from "./describe.ts";
import { describeFact } from "./describe-fact.ts";
import { bannedReleases } from "./eligibility.ts";
import type { Edge, PluginTable } from "./plugin-table.ts";
import { matches } from "./range.ts";
import type { Range } from "./range.ts";
import type { CompiledRequest } from "./request.ts";
import type { Version } from "./version.ts";
import { contains } from "./version-set.ts";

/**
 * What is wrong with a set of releases, as sentences; none when it is a solution. It looks at each
 * requirement by itself and shares nothing with the search, so it also judges what the search found.
 *
 * Every plugin in `versions` must have been read into the catalogue.
 */
export function checkSolution(
  versions: ReadonlyMap<string, string>,
  request: CompiledRequest,
  catalogue: Catalogue,
): string[] {
  const chosen = new Map<string, Chosen>();
  const problems: string[] = [];
  for (const [name, text] of versions) {
    const plugin = catalogue.table(catalogue.idOf(name));
    const place = plugin.versions.findIndex((version) => version.text === text);
    if (place === -1) problems.push(`${describeRequirement({ name }, exact(text))} is not in the registry.`);
    else chosen.set(name, { plugin, place, version: plugin.versions[place] as Version });
  }
  for (const { plugin, range } of request.roots) {
    const problem = judge(chosen.get(plugin), request.overrides.get(plugin) ?? range, "dependency");
    if (problem !== undefined)
      problems.push(`You require ${describeRequirement({ name: plugin }, range)}, but ${problem}.`);
  }
  for (const own of chosen.values()) problems.push(...problemsOf(own, chosen, request));
  return problems.length > 0 ? problems : unneeded(chosen, request);
}

interface Chosen {
  readonly plugin: PluginTable;
  readonly place: number;
  readonly version: Version;
}

function* problemsOf(own: Chosen, chosen: ReadonlyMap<string, Chosen>, request: CompiledRequest): Generator<string> {
  const name = `${describeRequirement(own.plugin, exact(own.version.text))}`;
  for (const { ban, set } of bannedReleases(own.plugin, request)) {
    if (!contains(set, own.place)) continue;
    const fact = describeFact({ kind: "banned", target: own.plugin, set: [own.place, own.place + 1], ban });
    yield `${name} is chosen, but ${fact}.`;
  }
  for (const { kind, target, range } of own.plugin.edgesAt(own.place)) {
    const effective = kind === "conflict" ? range : (request.overrides.get(target) ?? range);
    const problem = judge(chosen.get(target), effective, kind);
    if (problem !== undefined)
      yield `${name} ${verbs[kind]} ${describeRequirement({ name: target }, range)}, but ${problem}.`;
  }
}

const verbs = { dependency: "depends on", optional: "accepts only", conflict: "conflicts with" } as const;

function judge(found: Chosen | undefined, range: Range, kind: Edge["kind"]): string | undefined {
  if (found === undefined) return kind === "dependency" ? "it is missing" : undefined;
  if (matches(range, found.version) !== (kind === "conflict")) return undefined;
  return `${found.version.text} is chosen`;
}

/** Plugins that nothing leads to from the roots. */
function unneeded(chosen: ReadonlyMap<string, Chosen>, request: CompiledRequest): string[] {
  const reached = new Set<string>();
  const open = request.roots.map(({ plugin }) => plugin);
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const own = chosen.get(name);
    if (own === undefined || reached.has(name)) continue;
    reached.add(name);
    for (const { kind, target } of own.plugin.edgesAt(own.place)) if (kind === "dependency") open.push(target);
  }
  return Array.from(chosen.keys())
    .filter((name) => !reached.has(name))
    .map((name) => `Nothing needs ${describeRequirement({ name }, exact(chosen.get(name)?.version.text ?? ""))}.`);
}

/** A version as a range, for wording only. */
function exact(text: string): Range {
  return { text, intervals: [] };
}
