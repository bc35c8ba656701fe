import type { BudgetLimits } from "./budget.ts";
import { Catalogue } from "./catalogue.ts";
import type { Fix } from "./fix.ts";
import type { ReleaseSource, Requirements } from "./release-source.ts";
import type { ResolveRequest } from "./request.ts";
import { resolveSync } from "./resolve.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** A registry in one file, with what is to be resolved over it. Made by `parseUniverse`. */
export interface Universe {
  readonly source: ReleaseSource;
  /** Root sets, in the file's order. */
  readonly rootSets: readonly Requirements[];
  /** Whether the file has a list of root sets, so that results say which one they are for. */
  readonly isList: boolean;
  /** Everything but the roots. */
  readonly request: Omit<ResolveRequest, "roots">;
  /** The texts that were parsed to check the file; a catalogue over the universe goes on from there. */
  readonly vocabulary: Vocabulary;
}

interface ResultBase {
  /** Only where the universe has a list of root sets. */
  readonly rootIndex?: number;
  /** From the universe being in memory to the answer for this root set. */
  readonly elapsedMs: number;
}

/** One result as `berth resolve --universe` prints it, but for the file's name. */
export type UniverseResult =
  | (ResultBase & { readonly kind: "solution"; readonly solution: Readonly<Record<string, string>> })
  | (ResultBase & {
      readonly kind: "conflict";
      readonly explanation: string;
      readonly core: readonly string[];
      readonly fix: Fix | null;
    });

export interface UniverseOptions {
  /** A clock that never goes back, in milliseconds (`performance.now`). */
  readonly clock: () => number;
  /** Budget of each root set; its clock is the one above. */
  readonly maxSteps?: number;
  readonly timeoutMs?: number;
}

/**
 * Resolves each root set of a universe.
 *
 * @throws ResolveError RESOLVE_REQUEST_INVALID, RESOLVE_LIST_INVALID or RESOLVE_BUDGET_EXHAUSTED.
 */
export function resolveUniverse(universe: Universe, options: UniverseOptions): UniverseResult[] {
  const { clock, ...limits } = options;
  const catalogue = new Catalogue(universe.vocabulary);
  return universe.rootSets.map((roots, index) => {
    const startedMs = clock();
    const result = resolveRoots(universe, roots, catalogue, { ...limits, clock });
    const elapsedMs = Math.round((clock() - startedMs) * 1000) / 1000;
    return { ...(universe.isList && { rootIndex: index }), ...result, elapsedMs };
  });
}

function resolveRoots(universe: Universe, roots: Requirements, catalogue: Catalogue, budget: BudgetLimits) {
  const resolution = resolveSync({ ...universe.request, roots }, universe.source, { catalogue, budget });
  if (resolution.kind === "solution") {
    return { kind: resolution.kind, solution: Object.fromEntries(resolution.versions) };
  }
  return {
    kind: resolution.kind,
    explanation: resolution.explanation.text,
    core: resolution.core,
    fix: resolution.fix ?? null,
  };
}
