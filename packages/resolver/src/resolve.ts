import { Budget } from "./budget.ts";
import type { BudgetLimits } from "./budget.ts";
import { Catalogue } from "./catalogue.ts";
import { ResolveError } from "./errors.ts";
import { explainClues, explainProof } from "./explain.ts";
import { findFix } from "./fix.ts";
import { minimalCore } from "./minimal-core.ts";
import type { ReleaseSource } from "./release-source.ts";
import { compileRequest } from "./request.ts";
import type { ResolveRequest } from "./request.ts";
import type { Resolution, WorkCounts } from "./resolution.ts";
import { solutionOf } from "./solution.ts";
import { Solver } from "./solver.ts";
import type { LoadNeed } from "./solver.ts";

export interface ResolveOptions {
  readonly budget?: BudgetLimits;
  /** Whether to look for a fix when there is no solution. Default true. */
  readonly seeksFix?: boolean;
  /**
   * Lists read by earlier resolutions over the same state of the source; grows by what this one reads.
   * A fresh one by default.
   */
  readonly catalogue?: Catalogue;
}

/**
 * Finds a set of releases, one per plugin, that satisfies every requirement, or explains why there is none.
 *
 * The result depends on the request and the lists alone: not on the order in which either is written, nor
 * on when answers arrive. No more is installed than the roots need.
 *
 * @throws ResolveError RESOLVE_REQUEST_INVALID, RESOLVE_LIST_INVALID, RESOLVE_SOURCE_CHANGED;
 *   RESOLVE_BUDGET_EXHAUSTED with what was found out so far in its details; and whatever the source throws.
 */
export async function resolve(
  request: ResolveRequest,
  source: ReleaseSource,
  options: ResolveOptions = {},
): Promise<Resolution> {
  const catalogue = options.catalogue ?? new Catalogue();
  const steps = resolutionSteps(request, catalogue, options);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    options.budget?.signal?.throwIfAborted();
    source.prefetch?.(step.value.likely());
    catalogue.absorb(step.value.needed, await source.load(step.value.needed, options.budget?.signal));
  }
}

/**
 * Like `resolve`, for a source that answers at once.
 *
 * @throws ResolveError RESOLVE_SOURCE_ASYNC when the source returns a promise, and what `resolve` throws.
 */
export function resolveSync(request: ResolveRequest, source: ReleaseSource, options: ResolveOptions = {}): Resolution {
  const catalogue = options.catalogue ?? new Catalogue();
  const steps = resolutionSteps(request, catalogue, options);
  for (let step = steps.next(); ; step = steps.next()) {
    if (step.done === true) return step.value;
    const answer = source.load(step.value.needed, options.budget?.signal);
    if ("then" in answer) {
      throw new ResolveError("RESOLVE_SOURCE_ASYNC", "resolveSync was given a source that answers with a promise");
    }
    catalogue.absorb(step.value.needed, answer);
  }
}

/** The whole resolution; yields what it needs to have loaded. */
function* resolutionSteps(
  request: ResolveRequest,
  catalogue: Catalogue,
  options: ResolveOptions,
): Generator<LoadNeed, Resolution, void> {
  const budget = new Budget(options.budget);
  const compiled = compileRequest(request, catalogue.vocabulary);
  const solver = new Solver(compiled, catalogue, budget);
  const outcome = yield* solver.solve();
  const counts: WorkCounts = { ...solver.counts, steps: budget.steps };
  if (outcome.kind === "solution") return solutionOf(outcome.places, compiled, counts);
  if (outcome.kind === "exhausted") {
    const explanation = explainClues(outcome.clues);
    const plugins = new Set(outcome.clues.flatMap(({ terms }) => terms.map(({ plugin }) => plugin.name)));
    throw new ResolveError(
      "RESOLVE_BUDGET_EXHAUSTED",
      `Stopped after ${counts.steps} steps without a solution or a proof that there is none`,
      { details: { ...counts, explanation: explanation?.text ?? null, plugins: Array.from(plugins).toSorted() } },
    );
  }
  const core = yield* minimalCore(outcome.proof, compiled, catalogue, budget);
  const fix = options.seeksFix === false ? undefined : yield* findFix(request, core, catalogue, budget);
  return {
    kind: "conflict",
    explanation: explainProof(core.proof),
    core: core.plugins,
    isCoreMinimal: core.isMinimal,
    fix,
    counts,
  };
}
