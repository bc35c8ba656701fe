import { nearMiss, quote } from "@berth/base";
import { listLimits } from "./compile-list.ts";
import { ResolveError } from "./errors.ts";
import { isSecurityLevel, securityLevels } from "./host-facts.ts";
import type { HostFacts } from "./host-facts.ts";
import { directions, prereleaseRules, yankedRules } from "./policy.ts";
import type { Policy, Revocation } from "./policy.ts";
import type { Release, ReleaseList, Requirement, Requirements } from "./release-source.ts";
import type { Universe } from "./universe.ts";
import { Vocabulary } from "./vocabulary.ts";

/** Universes with more plugins are refused. */
export const UNIVERSE_MAX_PLUGINS = 200_000;

/** A JSON object whose member names come from outside; read only through its entries. */
type Members = Readonly<Record<string, unknown>>;

/**
 * Reads a universe: `{registry, root | roots, policy?, locked?}` as in the conformance data, and beyond it
 * `host`, `revoked` and `nowMs`. Other members of the file (`id`, `expected`, `origin` …) are about the
 * case and ignored; within the registry and the policy an unknown member is an error, because ignoring it
 * could turn a conflict into a solution.
 *
 * Every version and range is checked here; release lists are compiled when a resolution needs them.
 *
 * @param text JSON
 * @throws ResolveError RESOLVE_UNIVERSE_INVALID with the path of the first member that is wrong.
 */
export function parseUniverse(text: string): Universe {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ResolveError("RESOLVE_UNIVERSE_INVALID", "The universe is not JSON", { cause });
  }
  return new UniverseReader().read(value);
}

class UniverseReader {
  readonly #vocabulary = new Vocabulary();

  read(value: unknown): Universe {
    const file = members(value, "the universe");
    const registry = members(file["registry"], "registry");
    this.#checkRegistry(registry);
    const hasRoots = file["roots"] !== undefined;
    if (hasRoots === (file["root"] !== undefined)) throw invalid("the universe", "must have either root or roots");
    const rootSets = hasRoots
      ? list(file["roots"], "roots").map((roots, index) => this.#requirements(roots, `roots[${index}]`))
      : [this.#requirements(file["root"], "root")];
    return {
      source: { load: (plugins) => ({ lists: plugins.flatMap((plugin) => readList(registry, plugin)) }) },
      rootSets,
      isList: hasRoots,
      request: {
        ...optional(file["policy"], (policy) => ({ policy: this.#policy(policy) })),
        ...optional(file["locked"], (locked) => ({ locked: this.#locked(locked) })),
        ...optional(file["host"], (host) => ({ host: this.#host(host) })),
        ...optional(file["revoked"], (revoked) => ({ revoked: this.#revoked(revoked) })),
        ...optional(file["nowMs"], (nowMs) => ({ nowMs: number(nowMs, "nowMs") })),
      },
      vocabulary: this.#vocabulary,
    };
  }

  #checkRegistry(registry: Members): void {
    const plugins = Object.entries(registry);
    if (plugins.length > UNIVERSE_MAX_PLUGINS) {
      throw invalid("registry", `holds ${plugins.length} plugins; at most ${UNIVERSE_MAX_PLUGINS} are read`);
    }
    for (const [plugin, releases] of plugins) {
      if (plugin === "" || plugin.length > listLimits.nameLength) {
        throw invalid(`registry[${quote(plugin)}]`, `is not called by 1 to ${listLimits.nameLength} characters`);
      }
      for (const [version, release] of Object.entries(members(releases, () => at("registry", plugin)))) {
        this.#checkRelease(plugin, version, release);
      }
    }
  }

  #checkRelease(plugin: string, version: string, release: unknown): void {
    const where = () => at("registry", plugin, version);
    if (this.#vocabulary.tryVersion(version) === undefined) {
      throw invalid(where(), "is not a semver version without build metadata");
    }
    for (const [name, value] of Object.entries(members(release, where))) {
      const check = releaseMembers.get(name);
      if (check === undefined) throw unknownMember(where(), name, releaseMembers.keys());
      if (check === "requirements") this.#checkRequirements(value, () => `${where()}.${name}`);
      else if (!check.isValid(value, this.#vocabulary)) throw invalid(`${where()}.${name}`, `is not ${check.expected}`);
    }
  }

  #checkRequirements(value: unknown, where: Where): void {
    for (const [plugin, requirement] of Object.entries(members(value, where))) {
      // Nearly all requirements are plain texts, and there are hundreds of thousands of them.
      const range = typeof requirement === "string" ? requirement : rangeMember(requirement, where, plugin);
      if (this.#vocabulary.tryRange(range) === undefined) {
        throw invalid(`${where()}[${quote(plugin)}]`, `is ${quote(range)}, which is not a version range`);
      }
    }
  }

  #requirements(value: unknown, where: string): Requirements {
    this.#checkRequirements(value, () => where);
    return requirementsOf(value as Members);
  }

  #policy(value: unknown): Policy {
    const known = ["prerelease", "direction", "yanked", "minimumAgeMs", "minimumAgeExempt", "overrides", "constraints"];
    const policy = knownMembers(value, "policy", known);
    return {
      ...optional(policy["prerelease"], (rule) => ({ prerelease: oneOf(rule, "policy.prerelease", prereleaseRules) })),
      ...optional(policy["direction"], (end) => ({ direction: oneOf(end, "policy.direction", directions) })),
      ...optional(policy["yanked"], (rule) => ({ yanked: oneOf(rule, "policy.yanked", yankedRules) })),
      ...optional(policy["minimumAgeMs"], (ms) => ({ minimumAgeMs: number(ms, "policy.minimumAgeMs") })),
      ...optional(policy["minimumAgeExempt"], (names) => ({
        minimumAgeExempt: list(names, "policy.minimumAgeExempt").map((name) => string(name, "policy.minimumAgeExempt")),
      })),
      ...optional(policy["overrides"], (ranges) => ({ overrides: this.#requirements(ranges, "policy.overrides") })),
      ...optional(policy["constraints"], (ranges) => ({
        constraints: this.#requirements(ranges, "policy.constraints"),
      })),
    };
  }

  #locked(value: unknown): Readonly<Record<string, string>> {
    const locked = members(value, "locked");
    for (const [plugin, version] of Object.entries(locked)) {
      const where = `locked[${quote(plugin)}]`;
      if (this.#vocabulary.tryVersion(string(version, where)) === undefined) throw invalid(where, "is not a version");
    }
    return locked as Readonly<Record<string, string>>;
  }

  #host(value: unknown): HostFacts {
    const host = knownMembers(value, "host", ["api", "platform", "highestLevel"]);
    return {
      ...optional(host["api"], (api) => ({ api: string(api, "host.api") })),
      ...optional(host["platform"], (platform) => ({ platform: string(platform, "host.platform") })),
      ...optional(host["highestLevel"], (level) => ({
        highestLevel: oneOf(level, "host.highestLevel", securityLevels),
      })),
    };
  }

  #revoked(value: unknown): Revocation[] {
    return list(value, "revoked").map((entry, index) => {
      const where = `revoked[${index}]`;
      const revocation = knownMembers(entry, where, ["plugin", "range", "reason"]);
      return {
        plugin: string(revocation["plugin"], `${where}.plugin`),
        ...optional(revocation["range"], (range) => ({ range: string(range, `${where}.range`) })),
        ...optional(revocation["reason"], (reason) => ({ reason: string(reason, `${where}.reason`) })),
      };
    });
  }
}

interface MemberCheck {
  readonly expected: string;
  readonly isValid: (value: unknown, vocabulary: Vocabulary) => boolean;
}

/** What may stand in a release, and what it must be. */
const releaseMembers = new Map<string, MemberCheck | "requirements">([
  ["dependencies", "requirements"],
  ["optionalDependencies", "requirements"],
  ["conflicts", "requirements"],
  ["yanked", { expected: "true or false", isValid: (value) => typeof value === "boolean" }],
  [
    "api",
    {
      expected: "a version range",
      isValid: (value, vocabulary) => typeof value === "string" && vocabulary.tryRange(value) !== undefined,
    },
  ],
  [
    "platforms",
    {
      expected: "a list of texts",
      isValid: (value) => Array.isArray(value) && value.every((platform) => typeof platform === "string"),
    },
  ],
  ["level", { expected: `one of ${securityLevels.join(", ")}`, isValid: isSecurityLevel }],
  [
    "publishedAt",
    {
      expected: "an ISO instant",
      isValid: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
    },
  ],
]);

/** The release list of one plugin, from a registry that has been checked. */
function readList(registry: Members, plugin: string): ReleaseList[] {
  if (!Object.hasOwn(registry, plugin)) return [];
  const releases = Object.entries(registry[plugin] as Members);
  return [{ plugin, releases: releases.map(([version, release]) => readRelease(version, release as Members)) }];
}

function readRelease(version: string, release: Members): Release {
  // Checked member by member in `releaseMembers`. Most releases have nothing but dependencies.
  const { yanked, dependencies, optionalDependencies, conflicts, api, platforms, level, publishedAt } =
    release as ReleaseMembers;
  const special = yanked ?? optionalDependencies ?? conflicts ?? api ?? platforms ?? level ?? publishedAt;
  if (special === undefined)
    return dependencies === undefined ? { version } : { version, dependencies: requirementsOf(dependencies) };
  return {
    version,
    ...(dependencies !== undefined && { dependencies: requirementsOf(dependencies) }),
    ...(optionalDependencies !== undefined && { optionalDependencies: requirementsOf(optionalDependencies) }),
    ...(conflicts !== undefined && { conflicts: requirementsOf(conflicts) }),
    ...(yanked === true && { isYanked: true }),
    ...(api !== undefined && { api }),
    ...(platforms !== undefined && { platforms }),
    ...(level !== undefined && { level }),
    ...(publishedAt !== undefined && { publishedAt }),
  };
}

/** A release as it stands in a file. */
type ReleaseMembers = Omit<Release, "version" | "isYanked" | "dependencies" | "optionalDependencies" | "conflicts"> & {
  readonly yanked?: boolean;
  readonly dependencies?: Members;
  readonly optionalDependencies?: Members;
  readonly conflicts?: Members;
};

/** Whether all requirements are plain texts. */
function isPlain(value: Members): value is Readonly<Record<string, string>> {
  for (const plugin of Object.keys(value)) if (typeof value[plugin] !== "string") return false;
  return true;
}

/** In a file a lazy requirement is `{"range": …, "lazy": true}`, as in a manifest. */
function requirementsOf(value: Members): Requirements {
  if (isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([plugin, requirement]): [string, string | Requirement] => {
      if (typeof requirement === "string") return [plugin, requirement];
      const { range, lazy } = requirement as { readonly range: string; readonly lazy?: boolean };
      return [plugin, { range, isLazy: lazy === true }];
    }),
  );
}

function rangeMember(requirement: unknown, where: Where, plugin: string): string {
  const path = `${where()}[${quote(plugin)}]`;
  const { range, lazy } = knownMembers(requirement, path, ["range", "lazy"]) as Members & {
    readonly range?: unknown;
    readonly lazy?: unknown;
  };
  if (lazy !== undefined && typeof lazy !== "boolean") throw invalid(`${path}.lazy`, "is not true or false");
  return string(range, `${path}.range`);
}

/** A path into the file, or how to make it: most are never needed. */
type Where = () => string;

function at(...path: readonly string[]): string {
  const [first, ...others] = path;
  return `${first}${others.map((name) => `[${quote(name)}]`).join("")}`;
}

function members(value: unknown, where: string | Where): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw invalid(typeof where === "string" ? where : where(), `is ${quote(value)}, not an object`);
}

function knownMembers(value: unknown, where: string, known: readonly string[]): Members {
  const found = members(value, where);
  for (const name of Object.keys(found)) if (!known.includes(name)) throw unknownMember(where, name, known);
  return found;
}

function list(value: unknown, where: string): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  throw invalid(where, `is ${quote(value)}, not a list`);
}

function string(value: unknown, where: string): string {
  if (typeof value === "string") return value;
  throw invalid(where, `is ${quote(value)}, not a text`);
}

function number(value: unknown, where: string): number {
  if (typeof value === "number" && value >= 0) return value;
  throw invalid(where, `is ${quote(value)}, not a number of milliseconds`);
}

function oneOf<Value extends string>(value: unknown, where: string, allowed: readonly Value[]): Value {
  const found = allowed.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw invalid(where, `is ${quote(value)}, not one of ${allowed.join(", ")}`);
}

/** An object with what `read` makes of a value, or an empty one where there is none. */
function optional<Read extends object>(value: unknown, read: (value: unknown) => Read): Read | Record<never, never> {
  return value === undefined ? {} : read(value);
}

function unknownMember(where: string, name: string, known: Iterable<string>): ResolveError {
  const meant = nearMiss(name, known);
  const hint = meant === undefined ? {} : { hint: `Did you mean ${quote(meant)}?` };
  return new ResolveError("RESOLVE_UNIVERSE_INVALID", `Universe: ${where} has an unknown member ${quote(name)}`, hint);
}

function invalid(where: string, problem: string): ResolveError {
  return new ResolveError("RESOLVE_UNIVERSE_INVALID", `Universe: ${where} ${problem}`);
}
