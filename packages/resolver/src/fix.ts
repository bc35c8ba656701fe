import type { Allowance } from "./budget.ts";
import type { Catalogue } from "./catalogue.ts";
import { applyChanges, candidateChanges, describeChanges } from "./change.ts";
import type { Change } from "./change.ts";
import { someCore } from "./minimal-core.ts";
import type { Core } from "./minimal-core.ts";
import type { PluginTable } from "./plugin-table.ts";
import { isBelow } from "./range.ts";
import type { Policy } from "./policy.ts";
import type { Requirements } from "./release-source.ts";
import { compileRequest } from "./request.ts";
import type { ResolveRequest } from "./request.ts";
import { Solver } from "./solver.ts";
import type { LoadNeed, Outcome } from "./solver.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A change of roots or policy under which the request has a solution. It was tried. */
export interface Fix {
  readonly changes: readonly Change[];
  /** What to do, in sentences. */
  readonly text: string;
  /** The roots after the change. */
  readonly roots: Requirements;
  /** The policy after the change; absent when it stays as it is. */
  readonly policy?: Policy;
  /** What would be installed, by plugin. */
  readonly solution: Readonly<Record<string, string>>;
}

/** Sets of changes that are looked at, and the steps that all of them may take. */
const MAX_TRIALS = 48;
const MAX_STEPS = 2_000_000;

/** A set of changes that is worth a trial. */
interface Candidate {
  readonly changes: readonly Change[];
  readonly cost: number;
}

/**
 * Looks for the cheapest set of changes that leads to a solution, cheapest first. A set that fails yields
 * another core, and every fix must break that one too: so only changes that bear on it are added.
 * See docs/solver.md, "Fixes".
 */
export function* findFix(
  request: ResolveRequest,
  core: Core,
  catalogue: Catalogue,
  budget: Allowance,
): Generator<LoadNeed, Fix | undefined, void> {
  const search = new FixSearch(request, catalogue, budget.part(MAX_STEPS));
  return yield* search.run(core);
}

class FixSearch {
  readonly #request: ResolveRequest;
  readonly #catalogue: Catalogue;
  readonly #budget: Allowance;
  /** Sets still to try, cheapest first. */
  readonly #open: Candidate[] = [];
  readonly #seen = new Set<string>();
  /** Plugins of every core found so far: a set of changes must break each of them. */
  readonly #cores: ReadonlySet<string>[] = [];

  constructor(request: ResolveRequest, catalogue: Catalogue, budget: Allowance) {
    this.#request = request;
    this.#catalogue = catalogue;
    this.#budget = budget;
  }

  *run(core: Core): Generator<LoadNeed, Fix | undefined, void> {
    this.#cores.push(new Set(core.plugins));
    this.#extend({ changes: [], cost: 0 }, core);
    const found: Fix[] = [];
    let costOfFound = Infinity;
    for (let trial = 0; trial < MAX_TRIALS; trial += 1) {
      const next = this.#open.shift();
      if (next === undefined || next.cost > costOfFound || this.#budget.isExhausted()) break;
      const fix = yield* this.#try(next);
      if (fix === undefined) continue;
      found.push(fix);
      costOfFound = next.cost;
    }
    return found.toSorted((a, b) => lossOf(a) - lossOf(b))[0];
  }

  /** Adds every set that is `base` and one more change which bears on `core`. */
  #extend(base: Candidate, core: Core): void {
    const request = applyChanges(this.#request, base.changes);
    for (const { change, cost } of candidateChanges(request, core, this.#catalogue)) {
      const changes = [...base.changes, change];
      const key = changes
        .map((each) => JSON.stringify(each))
        .toSorted()
        .join("\n");
      if (this.#seen.has(key)) continue;
      this.#seen.add(key);
      this.#open.push({ changes, cost: base.cost + cost });
    }
    // The sort is stable: sets of equal cost stay in the order in which they were found.
    this.#open.sort((a, b) => a.cost - b.cost);
  }

  *#try(candidate: Candidate): Generator<LoadNeed, Fix | undefined, void> {
    const request = applyChanges(this.#request, candidate.changes);
    // Cores are small, so this refuses most sets before the whole graph is looked at.
    for (const scope of this.#cores) {
      const outcome = yield* this.#solve(request, scope);
      if (outcome.kind === "solution") continue;
      if (outcome.kind === "conflict") yield* this.#learn(candidate, request, outcome, scope);
      return undefined;
    }
    const outcome = yield* this.#solve(request);
    if (outcome.kind === "solution") return yield* this.#settle(candidate, outcome.places);
    if (outcome.kind === "conflict") yield* this.#learn(candidate, request, outcome);
    return undefined;
  }

  *#solve(request: ResolveRequest, scope?: ReadonlySet<string>): Generator<LoadNeed, Outcome, void> {
    const compiled = compileRequest(request, this.#catalogue.vocabulary);
    return yield* new Solver(compiled, this.#catalogue, this.#budget, scope && { scope }).solve();
  }

  *#learn(
    candidate: Candidate,
    request: ResolveRequest,
    { proof }: Extract<Outcome, { kind: "conflict" }>,
    known?: ReadonlySet<string>,
  ): Generator<LoadNeed, void, void> {
    const compiled = compileRequest(request, this.#catalogue.vocabulary);
    const core = yield* someCore(proof, compiled, this.#catalogue, this.#budget);
    if (known === undefined) this.#cores.push(new Set(core.plugins));
    this.#extend(candidate, core);
  }

  /** Narrows relaxed roots to what was found, and solves once more with exactly what will be proposed. */
  *#settle(candidate: Candidate, places: ReadonlyMap<PluginTable, number>): Generator<LoadNeed, Fix | undefined, void> {
    const versions = versionsOf(places);
    for (const spelling of ["caret", "exact"] as const) {
      const changes = candidate.changes.map((change) => narrow(change, versions, spelling, this.#catalogue.vocabulary));
      const request = applyChanges(this.#request, changes);
      const outcome = yield* this.#solve(request);
      if (outcome.kind === "solution") return this.#describe(changes, request, versionsOf(outcome.places));
    }
    return undefined;
  }

  #describe(changes: readonly Change[], request: ResolveRequest, versions: ReadonlyMap<string, string>): Fix {
    const isPolicyChanged = request.policy !== this.#request.policy;
    return {
      changes,
      text: describeChanges(changes),
      roots: request.roots,
      ...(isPolicyChanged && request.policy !== undefined && { policy: request.policy }),
      solution: Object.fromEntries(Array.from(versions).toSorted(([a], [b]) => (a < b ? -1 : 1))),
    };
  }
}

/** A root that was opened to any version is proposed with a range that starts at the version found. */
function narrow(
  change: Change,
  versions: ReadonlyMap<string, string>,
  spelling: "caret" | "exact",
  vocabulary: Vocabulary,
): Change {
  const text = change.kind === "relax-root" ? versions.get(change.plugin) : undefined;
  if (change.kind !== "relax-root" || text === undefined) return change;
  const [range, version] = [vocabulary.tryRange(change.from), vocabulary.tryVersion(text)];
  const isDowngrade = range !== undefined && version !== undefined && isBelow(version, range);
  return { ...change, to: spelling === "caret" ? `^${text}` : text, isDowngrade };
}

function versionsOf(places: ReadonlyMap<PluginTable, number>): Map<string, string> {
  return new Map(Array.from(places, ([plugin, place]) => [plugin.name, plugin.versions[place]?.text as string]));
}

/** Among fixes of equal cost, one that leads to newer releases is better than one that leads back. */
function lossOf(fix: Fix): number {
  return fix.changes.filter((change) => change.kind === "relax-root" && change.isDowngrade).length;
}
