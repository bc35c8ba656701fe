import type { Allowance } from "./budget.ts";
import type { Catalogue } from "./catalogue.ts";
import { explainProof } from "./explain.ts";
import type { Incompatibility } from "./incompatibility.ts";
import { lengthOf, pluginsOf } from "./proof.ts";
import type { CompiledRequest } from "./request.ts";
import { Solver } from "./solver.ts";
import type { LoadNeed, Outcome, SearchOptions, SearchOrder } from "./solver.ts";

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

/** A core may take this much work; beyond it, the smallest set found so far has to do. */
const MAX_STEPS = 4_000_000;

/** Looking for a smaller core than the first may take this much more. */
const MAX_EXTRA_STEPS = 400_000;

/** A proof of up to this many incompatibilities is not worth a second try. */
const SHORT_PROOF = 5;

/** Proofs of up to this many incompatibilities are compared by what a reader would have to read. */
const MEASURED_LENGTH = 60;

/** How to search, and from which end to leave out plugins. Other ways find other cores. */
interface Attempt {
  readonly order: SearchOrder;
  readonly fromEnd: boolean;
}

const firstAttempt: Attempt = { order: { takesWidest: false, takesLowest: false }, fromEnd: true };

const otherAttempts: readonly Attempt[] = [
  { order: { takesWidest: true, takesLowest: false }, fromEnd: false },
  { order: { takesWidest: false, takesLowest: true }, fromEnd: false },
  { order: { takesWidest: true, takesLowest: true }, fromEnd: true },
];

/**
 * Shrinks a proof to a core from which no member can go, and of several such cores takes the smallest and
 * the one with the shortest proof. See docs/solver.md, "Minimal cores".
 */
export function* minimalCore(
  proof: Incompatibility,
  request: CompiledRequest,
  catalogue: Catalogue,
  budget: Allowance,
): Generator<LoadNeed, Core, void> {
  let best = yield* someCore(proof, request, catalogue, budget);
  if (!best.isMinimal || lengthOf(best.proof) <= SHORT_PROOF) return best;
  const extra = new Shrinker(request, catalogue, budget.part(MAX_EXTRA_STEPS));
  // Any smaller core lacks a member of this one.
  for (const without of best.plugins) best = yield* extra.improve(best, { without }, firstAttempt);
  for (const attempt of otherAttempts) best = yield* extra.improve(best, { scope: new Set(best.plugins) }, attempt);
  return best;
}

/** A core from which no member can go, without looking for a better one. */
export function* someCore(
  proof: Incompatibility,
  request: CompiledRequest,
  catalogue: Catalogue,
  budget: Allowance,
): Generator<LoadNeed, Core, void> {
  return yield* new Shrinker(request, catalogue, budget.part(MAX_STEPS)).shrink(proof, firstAttempt);
}

/** Which plugins exist for a search. */
type SearchPlace = Pick<SearchOptions, "scope" | "without">;

/** Looks for cores. */
class Shrinker {
  readonly #request: CompiledRequest;
  readonly #catalogue: Catalogue;
  readonly #budget: Allowance;

  constructor(request: CompiledRequest, catalogue: Catalogue, budget: Allowance) {
    this.#request = request;
    this.#catalogue = catalogue;
    this.#budget = budget;
  }

  *#search(where: SearchPlace, { order }: Attempt): Generator<LoadNeed, Outcome, void> {
    return yield* new Solver(this.#request, this.#catalogue, this.#budget, { ...where, order }).solve();
  }

  /**
   * Leaves out one plugin at a time and solves again. Each trial that fails gives a new proof, and with it
   * often a much smaller set; a plugin without which there is a solution stays for good.
   */
  *shrink(proof: Incompatibility, attempt: Attempt): Generator<LoadNeed, Core, void> {
    let core = { plugins: pluginsOf(proof), proof };
    const needed = new Set<string>();
    for (;;) {
      const isOpen = (plugin: string) => !needed.has(plugin);
      const candidate = attempt.fromEnd ? core.plugins.findLast(isOpen) : core.plugins.find(isOpen);
      if (candidate === undefined) return { ...core, isMinimal: true };
      const scope = new Set(core.plugins.filter((plugin) => plugin !== candidate));
      const outcome = yield* this.#search({ scope }, attempt);
      if (outcome.kind === "exhausted") return { ...core, isMinimal: false };
      if (outcome.kind === "conflict") core = { plugins: pluginsOf(outcome.proof), proof: outcome.proof };
      else needed.add(candidate);
    }
  }

  /** A core from `where`, if it is better than `best`. */
  *improve(best: Core, where: SearchPlace, attempt: Attempt): Generator<LoadNeed, Core, void> {
    const outcome = yield* this.#search(where, attempt);
    if (outcome.kind !== "conflict") return best;
    const core = yield* this.shrink(outcome.proof, attempt);
    return core.isMinimal && isSmaller(core, best) ? core : best;
  }
}

function isSmaller(a: Core, b: Core): boolean {
  if (a.plugins.length !== b.plugins.length) return a.plugins.length < b.plugins.length;
  const [lengthOfA, lengthOfB] = [lengthOf(a.proof), lengthOf(b.proof)];
  if (Math.max(lengthOfA, lengthOfB) > MEASURED_LENGTH) return lengthOfA < lengthOfB;
  return explainProof(a.proof).text.length < explainProof(b.proof).text.length;
}
