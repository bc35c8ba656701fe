export { DEFAULT_MAX_STEPS } from "./budget.ts";
export type { BudgetLimits } from "./budget.ts";
export { Catalogue } from "./catalogue.ts";
export type { Change } from "./change.ts";
export { listLimits } from "./compile-list.ts";
export { ResolveError, resolveErrors } from "./errors.ts";
export type { ResolveErrorCode } from "./errors.ts";
export { EXPLAINED_LINES } from "./explain.ts";
export type { Fix } from "./fix.ts";
export { securityLevels } from "./host-facts.ts";
export type { HostFacts, SecurityLevel } from "./host-facts.ts";
export { installOrder, requireInstallOrder } from "./install-order.ts";
export type { InstallGroup, OrderedRelease } from "./install-order.ts";
export { formatLockfile, lockedVersions, LOCK_MAX_LENGTH, LOCK_VERSION, parseLockfile } from "./lockfile.ts";
export type { LockedRelease, Lockfile } from "./lockfile.ts";
export { parseUniverse } from "./parse-universe.ts";
export type { Direction, Policy, PrereleaseRule, Revocation, YankedRule } from "./policy.ts";
export { exactVersionOf, matches, RANGE_MAX_ALTERNATIVES, RANGE_MAX_LENGTH, tryParseRange } from "./range.ts";
export type { Range } from "./range.ts";
export { memorySource } from "./release-source.ts";
export type {
  Release,
  ReleaseAnswer,
  ReleaseList,
  ReleaseSource,
  Requirement,
  Requirements,
} from "./release-source.ts";
export type { ResolveRequest } from "./request.ts";
export type {
  AppliedOverride,
  Conflict,
  Explanation,
  ExplanationLine,
  FactReport,
  Resolution,
  ResolvedNeed,
  ResolvedRelease,
  Solution,
  WorkCounts,
} from "./resolution.ts";
export { resolve, resolveSync } from "./resolve.ts";
export type { ResolveOptions } from "./resolve.ts";
export { resolveUniverse } from "./universe.ts";
export type { Universe, UniverseOptions, UniverseResult } from "./universe.ts";
export { UNIVERSE_MAX_PLUGINS } from "./universe-registry.ts";
export { verifyLock } from "./verify-lock.ts";
export { compareVersions, tryParseVersion } from "./version.ts";
export type { Version } from "./version.ts";
