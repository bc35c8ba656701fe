import { quote } from "@berth/base";
import { listLimits } from "./compile-list.ts";
import { ResolveError } from "./errors.ts";
import { parseHostFacts } from "./host-facts.ts";
import type { Host, HostFacts } from "./host-facts.ts";
import { directions, prereleaseRules, yankedRules } from "./policy.ts";
import type { Direction, Policy, PrereleaseRule, Revocation, YankedRule } from "./policy.ts";
import type { Range } from "./range.ts";
import type { Requirements } from "./release-source.ts";
import type { Version } from "./version.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** What is to be resolved. */
export interface ResolveRequest {
  /** What must be there. */
  readonly roots: Requirements;
  readonly policy?: Policy;
  /** What the host is; absent facts constrain nothing. */
  readonly host?: HostFacts;
  /** Versions to keep where they fit. Preferred, never required. */
  readonly locked?: Readonly<Record<string, string>>;
  readonly revoked?: readonly Revocation[];
  /** The present, for `minimumAgeMs`: milliseconds since 1970. */
  readonly nowMs?: number;
}

export interface RootRequirement {
  readonly plugin: string;
  readonly range: Range;
}

/** A request, checked and parsed. */
export interface CompiledRequest {
  /** Sorted by plugin. */
  readonly roots: readonly RootRequirement[];
  readonly rootOf: ReadonlyMap<string, Range>;
  readonly prerelease: PrereleaseRule;
  readonly direction: Direction;
  readonly yanked: YankedRule;
  readonly minimumAgeMs: number;
  readonly minimumAgeExempt: ReadonlySet<string>;
  readonly overrides: ReadonlyMap<string, Range>;
  readonly constraints: ReadonlyMap<string, Range>;
  readonly host: Host;
  readonly locked: ReadonlyMap<string, Version>;
  readonly revoked: ReadonlyMap<string, readonly CompiledRevocation[]>;
  readonly nowMs: number;
}

export interface CompiledRevocation {
  /** `undefined`: every release. */
  readonly range: Range | undefined;
  readonly reason: string | undefined;
}

/** @throws ResolveError RESOLVE_REQUEST_INVALID naming the first value that is not what it should be. */
export function compileRequest(request: ResolveRequest, vocabulary: Vocabulary): CompiledRequest {
  const policy = request.policy ?? {};
  const minimumAgeMs = policy.minimumAgeMs ?? 0;
  if (!(minimumAgeMs >= 0)) throw invalid(`The minimum age ${quote(minimumAgeMs)} is not a number of milliseconds`);
  if (minimumAgeMs > 0 && request.nowMs === undefined) throw invalid("A minimum age needs to know the present");
  const rootOf = compileRequirements("a root", request.roots, vocabulary);
  return {
    roots: Array.from(rootOf, ([plugin, range]) => ({ plugin, range })).toSorted(compareRoots),
    rootOf,
    prerelease: oneOf("pre-release rule", prereleaseRules, policy.prerelease),
    direction: oneOf("direction", directions, policy.direction),
    yanked: oneOf("rule for yanked releases", yankedRules, policy.yanked),
    minimumAgeMs,
    minimumAgeExempt: new Set(policy.minimumAgeExempt),
    overrides: compileRequirements("an override", policy.overrides ?? {}, vocabulary),
    constraints: compileRequirements("a constraint", policy.constraints ?? {}, vocabulary),
    host: parseHostFacts(request.host),
    locked: compileLocked(request.locked ?? {}, vocabulary),
    revoked: compileRevocations(request.revoked ?? [], vocabulary),
    nowMs: request.nowMs ?? 0,
  };
}

function compileRequirements(what: string, requirements: Requirements, vocabulary: Vocabulary): Map<string, Range> {
  const compiled = new Map<string, Range>();
  for (const [plugin, requirement] of Object.entries(requirements)) {
    const text = typeof requirement === "string" ? requirement : requirement.range;
    compiled.set(checkName(what, plugin), compileRange(`${what} on ${quote(plugin)}`, text, vocabulary));
  }
  return compiled;
}

function compileLocked(locked: Readonly<Record<string, string>>, vocabulary: Vocabulary): Map<string, Version> {
  const compiled = new Map<string, Version>();
  for (const [plugin, text] of Object.entries(locked)) {
    const version = vocabulary.tryVersion(text);
    if (version === undefined) throw invalid(`The lock holds ${quote(plugin)} at ${quote(text)}, which is no version`);
    compiled.set(checkName("a lock entry", plugin), version);
  }
  return compiled;
}

function compileRevocations(revocations: readonly Revocation[], vocabulary: Vocabulary) {
  const compiled = new Map<string, CompiledRevocation[]>();
  for (const { plugin, range, reason } of revocations) {
    const entries = compiled.get(checkName("a revocation", plugin)) ?? [];
    const where = `a revocation of ${quote(plugin)}`;
    entries.push({ range: range === undefined ? undefined : compileRange(where, range, vocabulary), reason });
    compiled.set(plugin, entries);
  }
  return compiled;
}

function compileRange(where: string, text: string, vocabulary: Vocabulary): Range {
  const range = vocabulary.tryRange(text);
  if (range === undefined) throw invalid(`The range of ${where} is ${quote(text)}, which is not a version range`);
  return range;
}

function checkName(what: string, plugin: string): string {
  if (plugin.length > 0 && plugin.length <= listLimits.nameLength) return plugin;
  throw invalid(`${quote(plugin)} as ${what} has not 1 to ${listLimits.nameLength} characters`);
}

/** The first allowed value is the default. */
function oneOf<Value extends string>(what: string, allowed: readonly [Value, ...Value[]], value: Value | undefined) {
  if (value === undefined) return allowed[0];
  if (allowed.includes(value)) return value;
  throw invalid(`${quote(value)} is not a ${what}; known are ${allowed.join(", ")}`);
}

// By code units: the same on every machine, whatever its locale.
function compareRoots(a: RootRequirement, b: RootRequirement): number {
  return a.plugin < b.plugin ? -1 : 1;
}

function invalid(message: string): ResolveError {
  return new ResolveError("RESOLVE_REQUEST_INVALID", message);
}
