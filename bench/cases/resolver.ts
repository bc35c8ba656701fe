import { Catalogue, memorySource, parseUniverse, resolveSync, ResolveError } from "@berth/resolver";
import type { ReleaseSource, Requirements, ResolveRequest, Universe } from "@berth/resolver";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { deadEnds, generator, ladder, pigeonHoles, randomClauses } from "../resolver-worlds.ts";
import type { World } from "../resolver-worlds.ts";
import type { Ratio, Row } from "../runner.ts";

/** What a benchmark reports to. */
interface Runner {
  row(row: Row): void;
  goal(goal: Ratio): void;
  /** Details for people: what the solver did in one case. */
  note(text: string): void;
}

const shared = fileURLToPath(new URL("../../../shared/conformance/resolver/registries/", import.meta.url));

/** Resolves everything that the resolver's goals speak of, and sets that are hard on purpose. */
function resolveAll(runner: Runner): void {
  if (existsSync(shared)) {
    tenThousand(runner);
    realRegistry(runner);
  } else {
    runner.note("Skipped the shared registries: they are not beside the clone.");
  }
  hardSets(runner);
}

interface Measured {
  readonly kind: string;
  readonly ms: number;
  readonly cpuMs: number;
  readonly counts: string;
}

function measure(request: ResolveRequest, source: ReleaseSource, catalogue: Catalogue): Measured {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  const { kind, counts } = attempt(request, source, catalogue);
  const ms = performance.now() - startedAt;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { kind, ms, cpuMs: (user + system) / 1000, counts };
}

function attempt(request: ResolveRequest, source: ReleaseSource, catalogue: Catalogue) {
  try {
    const resolution = resolveSync(request, source, { catalogue });
    const { decisions, conflicts, steps } = resolution.counts;
    const core = resolution.kind === "conflict" ? `, core of ${resolution.core.length}` : "";
    const fix = resolution.kind === "conflict" && resolution.fix !== undefined ? ", fixed" : "";
    const counts = `${decisions} decisions, ${conflicts} conflicts, ${steps} steps${core}${fix}`;
    return { kind: resolution.kind, counts };
  } catch (error) {
    if (!(error instanceof ResolveError) || error.code !== "RESOLVE_BUDGET_EXHAUSTED") throw error;
    return { kind: "exhausted", counts: `${String(error.details?.["conflicts"])} conflicts` };
  }
}

/** 20 root sets over 10,000 plugins, as they are and made contradictory by pins. */
function tenThousand(runner: Runner): void {
  const text = readFileSync(`${shared}bench-10k.json`, "utf8");
  const startedAt = performance.now();
  const universe = parseUniverse(text);
  const loadMs = performance.now() - startedAt;
  runner.row({ case: "load 10,000 plugins", subject: "berth", median: loadMs, p99: loadMs, unit: "ms", cpu: loadMs });
  const name = "40 roots over 10,000 plugins";
  const first = rounds(runner, name, universe, universe.rootSets, 1);
  const rssMb = process.memoryUsage().rss / 2 ** 20;
  runner.goal({ id: "resolver.memory", value: rssMb, goal: 300, holds: rssMb <= 300 });
  const p95 = percentile(
    first.map(({ ms }) => ms),
    0.95,
  );
  runner.goal({ id: "resolver.p95", value: p95, goal: 60, holds: p95 <= 60 });
  const pinned = rounds(runner, "the same with two pins that may contradict", universe, withPins(universe), 3);
  const conflicts = pinned.filter(({ kind }) => kind === "conflict").map(({ ms }) => ms);
  const median = percentile(conflicts, 0.5);
  runner.goal({ id: "resolver.conflict", value: median, goal: 150, holds: median <= 150 });
}

/** Each root set with two plugins of its solution held below the version that was chosen. */
function withPins(universe: Universe): Requirements[] {
  const random = generator(7);
  const catalogue = new Catalogue(universe.vocabulary);
  return universe.rootSets.map((roots): Requirements => {
    const resolution = resolveSync({ roots }, universe.source, { catalogue });
    if (resolution.kind === "conflict") return roots;
    const chosen = Array.from(resolution.versions);
    const pins = [0, 1].map(() => {
      const [plugin, version] = chosen[random(chosen.length)] as [string, string];
      return [plugin, `<${version}`] as const;
    });
    return { ...roots, ...Object.fromEntries(pins) };
  });
}

/** Resolves all sets several times, each time with nothing read yet. */
function rounds(runner: Runner, name: string, universe: Universe, rootSets: readonly Requirements[], count: number) {
  const all: Measured[] = [];
  for (let round = 0; round < count; round += 1) {
    const catalogue = new Catalogue(universe.vocabulary);
    rootSets.forEach((roots, index) => {
      const measured = measure({ ...universe.request, roots }, universe.source, catalogue);
      all.push(measured);
      if (round === 0) note(runner, `${name}, set ${index}`, measured);
    });
  }
  row(runner, name, all);
  return all;
}

/** Each of the 641 releases of a real registry as the only root. */
function realRegistry(runner: Runner): void {
  const file = JSON.parse(readFileSync(`${shared}pubgrub-large-case-u16.json`, "utf8")) as {
    registry: Record<string, Record<string, unknown>>;
  };
  const roots = Object.entries(file.registry).flatMap(([plugin, releases]) =>
    Object.keys(releases).map((version) => ({ [plugin]: version })),
  );
  const universe = parseUniverse(JSON.stringify({ registry: file.registry, roots }));
  const catalogue = new Catalogue(universe.vocabulary);
  const all = roots.map((root) => measure({ roots: root }, universe.source, catalogue));
  row(runner, "each of 641 releases of a real registry", all);
  const worst = Math.max(...all.map(({ ms }) => ms));
  runner.goal({ id: "resolver.large", value: worst, goal: 400, holds: worst <= 400 });
  const total = all.reduce((sum, { ms }) => sum + ms, 0);
  runner.note(`all 641: ${total.toFixed(0)} ms, ${all.filter(({ kind }) => kind === "conflict").length} conflicts`);
}

/** Sets that have no solution, from easy to hopeless; the last ones end at the budget. */
function hardSets(runner: Runner): void {
  const worlds: readonly (readonly [name: string, world: World])[] = [
    ["10,000 releases, 7 dead ends", deadEnds(10_000, 7)],
    ["ladder of 12 rungs, 8 releases each", ladder(12, 8)],
    ...[5, 6, 7, 8, 10].map((holes) => [`${holes + 1} pigeons, ${holes} holes`, pigeonHoles(holes)] as const),
    ...[20, 30, 40].map((size) => [`random clauses, ${size} variables`, randomClauses(size, size)] as const),
  ];
  for (const [name, { lists, roots }] of worlds) {
    const source = memorySource(lists);
    const all = [1, 2, 3].map(() => measure({ roots }, source, new Catalogue()));
    note(runner, name, all[0] as Measured);
    row(runner, name, all);
  }
}

function note(runner: Runner, name: string, { kind, ms, counts }: Measured): void {
  runner.note(`${name}: ${kind} in ${ms.toFixed(1)} ms (${counts})`);
}

function row(runner: Runner, name: string, all: readonly Measured[]): void {
  const times = all.map(({ ms }) => ms);
  const cpu = all.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / all.length;
  runner.row({
    case: name,
    subject: "berth",
    median: percentile(times, 0.5),
    p99: percentile(times, 0.99),
    unit: "ms",
    cpu,
  });
}

/** Nearest rank. */
function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

/** Details of each case go to standard error; figures and goals are returned. */
export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const rows: Row[] = [];
  const ratios: Ratio[] = [];
  resolveAll({
    row: (row) => rows.push(row),
    goal: (goal) => ratios.push(goal),
    note: (text) => process.stderr.write(`${text}\n`),
  });
  return { rows, ratios };
}
