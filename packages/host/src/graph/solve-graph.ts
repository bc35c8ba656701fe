import { lockedVersions, requireInstallOrder, resolve, ResolveError, verifyLock } from "@berth/resolver";
import type { Lockfile, Policy, Resolution, ResolvedRelease, ResolveRequest, Solution } from "@berth/resolver";
import { API_VERSION } from "@berth/spec";
import type { Manifest, SecurityLevel } from "@berth/spec";

import type { RegistrySession } from "../registry/registry-session.ts";
import { GraphReadings, GraphSource } from "./graph-source.ts";

/** Steps for one graph: far above any honest one, seconds for one that is made to be hard. */
const MAX_STEPS = 2_000_000;

/** What a graph is solved from. */
export interface GraphProblem {
  readonly session: RegistrySession;
  readonly installed: ReadonlyMap<string, { readonly manifest: Manifest; readonly askedRange: string | undefined }>;
  /** Packages at hand, by plugin. */
  readonly packages: ReadonlyMap<string, { readonly manifest: Manifest }>;
  /** What is asked for now. */
  readonly asked: Readonly<Record<string, string>>;
  readonly lock: Lockfile | undefined;
  readonly policy: Policy;
  readonly highestLevel: SecurityLevel | undefined;
  readonly now: Date;
  readonly signal: AbortSignal | undefined;
  readonly onLists: ((count: number) => void) | undefined;
}

/** Releases that fit together, in install order, and where they come from. */
export interface SolvedGraph {
  readonly releases: readonly ResolvedRelease[];
  readonly order: readonly string[];
  readonly source: GraphSource;
}

/**
 * Finds releases for everything that is asked for, beside what is installed. Installed plugins stay as they
 * are; only where they stand in the way are their other releases looked at, which is also the only reason
 * why a registry hears their names.
 *
 * @throws ResolveError RESOLVE_NO_SOLUTION with explanation and fix, RESOLVE_CYCLE, RESOLVE_BUDGET_EXHAUSTED;
 *   ClientError
 */
export async function solveGraph(problem: GraphProblem): Promise<SolvedGraph> {
  const { installed, packages, asked, session } = problem;
  const local = new Map([...installed, ...packages]);
  const readings = new GraphReadings();
  const open = new Set(Object.keys(asked).filter((id) => !packages.has(id)));
  const request = requestOf(problem);
  let lists = 0;
  for (;;) {
    const source = new GraphSource({
      session,
      local,
      open,
      readings,
      signal: problem.signal,
      onList: () => problem.onLists?.((lists += 1)),
    });
    const resolution = await resolve(request, source, {
      budget: { maxSteps: MAX_STEPS, ...(problem.signal !== undefined && { signal: problem.signal }) },
    });
    if (resolution.kind === "solution") return ordered(resolution, source);
    const inTheWay = resolution.core.filter((id) => installed.has(id) && !packages.has(id) && !open.has(id));
    if (inTheWay.length === 0) throw noSolution(resolution);
    for (const id of inTheWay) open.add(id);
  }
}

/** The request for a lock that is to be installed as it is. @throws ResolveError RESOLVE_LOCK_STALE, RESOLVE_CYCLE */
export async function solveFrozen(problem: GraphProblem, lock: Lockfile): Promise<SolvedGraph> {
  const open = new Set(lock.releases.map(({ plugin }) => plugin));
  const { session, installed, signal } = problem;
  const source = new GraphSource({ session, local: installed, open, readings: new GraphReadings(), signal });
  // A lock names every release exactly, and a yanked release stays installable by its exact version.
  const yanked = problem.policy.yanked === "never" ? "never" : "allow";
  const request = { ...requestOf(problem), roots: lock.requirements, policy: { ...problem.policy, yanked } as const };
  await verifyLock(lock, request, source);
  return { releases: lock.releases, order: requireInstallOrder(lock.releases), source };
}

function ordered({ releases }: Solution, source: GraphSource): SolvedGraph {
  return { releases, order: requireInstallOrder(releases), source };
}

function requestOf(problem: GraphProblem): ResolveRequest {
  const { installed, packages, asked, lock, policy, highestLevel, now } = problem;
  const roots = new Map<string, string>();
  const locked = new Map(Object.entries(lock === undefined ? {} : lockedVersions(lock)));
  for (const [id, { manifest, askedRange }] of installed) {
    if (askedRange !== undefined) roots.set(id, askedRange);
    if (!(id in asked)) locked.set(id, manifest.version);
  }
  for (const [id, range] of Object.entries(asked)) roots.set(id, range);
  for (const [id, { manifest }] of packages) roots.set(id, manifest.version);
  return {
    roots: Object.fromEntries(roots),
    policy,
    host: {
      api: API_VERSION,
      platform: `${process.platform}-${process.arch}`,
      ...(highestLevel !== undefined && { highestLevel }),
    },
    locked: Object.fromEntries(locked),
    nowMs: now.getTime(),
  };
}

function noSolution({ explanation, core, fix }: Extract<Resolution, { kind: "conflict" }>): ResolveError {
  return new ResolveError("RESOLVE_NO_SOLUTION", `Nothing fits together:\n${explanation.text}`, {
    ...(fix !== undefined && { hint: fix.text }),
    details: { explanation: explanation.text, core, fix: fix ?? null },
  });
}
