import type { Allowance } from "./budget.ts";
import type { Catalogue } from "./catalogue.ts";
import type { Fact, Incompatibility } from "./incompatibility.ts";
import type { CompiledRequest } from "./request.ts";
import { Solver } from "./solver.ts";
import type { LoadNeed } from "./solver.ts";

/**
 * Plugins that cannot be reconciled even if nothing else existed: the requirements of the roots on them
 * and of their releases on each other have no solution.
 */
export interface Core {
  /** Sorted. */
  readonly plugins: readonly string[];
  /** A proof that rests only on facts about these plugins. */
  readonly proof: Incompatibility;
  /** Whether it is known that without any one of them the rest could be reconciled. */
  readonly isMinimal: boolean;
}

/** Every fact that a proof rests on, once each. */
export function factsOf(proof: Incompatibility): Fact[] {
  const facts: Fact[] = [];
  const seen = new Set<Incompatibility>([proof]);
  const open = [proof];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (next.cause.kind !== "derived") {
      facts.push(next.cause);
      continue;
    }
    for (const premise of [next.cause.conflict, next.cause.other]) {
      if (seen.has(premise)) continue;
      seen.add(premise);
      open.push(premise);
    }
  }
  return facts;
}

export function pluginsOf(proof: Incompatibility): string[] {
  const names = new Set<string>();
  for (const fact of factsOf(proof)) {
    names.add(fact.target.name);
    if (fact.kind === "edge") names.add(fact.source.name);
  }
  return Array.from(names).toSorted();
}

/**
 * Shrinks the plugins of a proof to a core from which no member can go, by leaving out one at a time and
 * solving again. Each failing trial gives a new proof, and with it often a much smaller set.
 * See docs/solver.md, "Minimal cores".
 */
export function* minimalCore(
  proof: Incompatibility,
  request: CompiledRequest,
  catalogue: Catalogue,
  budget: Allowance,
): Generator<LoadNeed, Core, void> {
  let core = { plugins: pluginsOf(proof), proof };
  const needed = new Set<string>();
  for (;;) {
    const candidate = core.plugins.findLast((plugin) => !needed.has(plugin));
    if (candidate === undefined) break;
    const scope = new Set(core.plugins);
    scope.delete(candidate);
    const outcome = yield* new Solver(request, catalogue, budget, scope).solve();
    if (outcome.kind === "exhausted") return { ...core, isMinimal: false };
    if (outcome.kind === "conflict") core = { plugins: pluginsOf(outcome.proof), proof: outcome.proof };
    else needed.add(candidate);
  }
  // The first proof may rest on more plugins than its own set needs in another order; solve once more inside.
  return { ...core, isMinimal: true };
}
