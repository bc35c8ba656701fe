import { quote } from "@berth/base";
import { listLimits } from "./compile-list.ts";
import { isSecurityLevel, securityLevels } from "./host-facts.ts";
import { at, invalid, knownMembers, members, string, unknownMember } from "./json-members.ts";
import type { Members, Where } from "./json-members.ts";
import type { Release, ReleaseList, ReleaseSource, Requirement, Requirements } from "./release-source.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Universes with more plugins are refused. */
export const UNIVERSE_MAX_PLUGINS = 200_000;

/**
 * Checks the registry of a universe, all of it, and makes a source of it. Lists are made when they are
 * asked for: a root set needs a few hundred of them, and ten thousand at once would take 100 MB more.
 *
 * @throws ResolveError RESOLVE_UNIVERSE_INVALID with the path of the first member that is wrong.
 */
export function readRegistry(value: unknown, vocabulary: Vocabulary): ReleaseSource {
  const registry = members(value, "registry");
  const plugins = Object.keys(registry);
  if (plugins.length > UNIVERSE_MAX_PLUGINS) {
    throw invalid("registry", `holds ${plugins.length} plugins; at most ${UNIVERSE_MAX_PLUGINS} are read`);
  }
  for (const plugin of plugins) checkPlugin(plugin, registry[plugin], vocabulary);
  const known = (asked: readonly string[]) => asked.filter((plugin) => Object.hasOwn(registry, plugin));
  return {
    load: (asked) => ({ lists: known(asked).map((plugin) => listOf(plugin, registry[plugin] as Members)) }),
  };
}

function checkPlugin(plugin: string, releases: unknown, vocabulary: Vocabulary): void {
  if (plugin === "" || plugin.length > listLimits.nameLength) {
    throw invalid(`registry[${quote(plugin)}]`, `is not called by 1 to ${listLimits.nameLength} characters`);
  }
  for (const [version, release] of Object.entries(members(releases, () => at("registry", plugin)))) {
    checkRelease(plugin, version, release, vocabulary);
  }
}

function checkRelease(plugin: string, version: string, release: unknown, vocabulary: Vocabulary): void {
  const where = () => at("registry", plugin, version);
  if (vocabulary.tryVersion(version) === undefined) {
    throw invalid(where(), "is not a semver version without build metadata");
  }
  for (const [name, value] of Object.entries(members(release, where))) {
    const check = releaseMembers.get(name);
    if (check === undefined) throw unknownMember(where(), name, releaseMembers.keys());
    if (check === "requirements") checkRequirements(value, () => `${where()}.${name}`, vocabulary);
    else if (!check.isValid(value, vocabulary)) throw invalid(`${where()}.${name}`, `is not ${check.expected}`);
  }
}

interface MemberCheck {
  readonly expected: string;
  readonly isValid: (value: unknown, vocabulary: Vocabulary) => boolean;
}

const isText = (value: unknown) => typeof value === "string";

/** What may stand in a release, and what it must be. */
const releaseMembers = new Map<string, MemberCheck | "requirements">([
  ["dependencies", "requirements"],
  ["optionalDependencies", "requirements"],
  ["conflicts", "requirements"],
  ["yanked", { expected: "true or false", isValid: (value) => typeof value === "boolean" }],
  ["api", { expected: "a version range", isValid: isRange }],
  ["platforms", { expected: "a list of texts", isValid: (value) => Array.isArray(value) && value.every(isText) }],
  ["level", { expected: `one of ${securityLevels.join(", ")}`, isValid: isSecurityLevel }],
  ["publishedAt", { expected: "an ISO instant", isValid: isInstant }],
]);

function isRange(value: unknown, vocabulary: Vocabulary): boolean {
  return typeof value === "string" && vocabulary.tryRange(value) !== undefined;
}

function isInstant(value: unknown): boolean {
  return typeof value === "string" && !Number.isNaN(Date.parse(value));
}

/**
 * Reads a map from plugin to range, or to `{"range": …, "lazy": true}` as in a manifest.
 *
 * @throws ResolveError RESOLVE_UNIVERSE_INVALID
 */
export function readRequirements(value: unknown, where: string, vocabulary: Vocabulary): Requirements {
  checkRequirements(value, () => where, vocabulary);
  return requirementsOf(value as Members);
}

function checkRequirements(value: unknown, where: Where, vocabulary: Vocabulary): void {
  const requirements = members(value, where);
  for (const plugin of Object.keys(requirements)) {
    // Nearly all requirements are plain texts, and there are hundreds of thousands of them.
    const requirement = requirements[plugin];
    const range = typeof requirement === "string" ? requirement : rangeMember(requirement, where, plugin);
    if (vocabulary.tryRange(range) === undefined) {
      throw invalid(`${where()}[${quote(plugin)}]`, `is ${quote(range)}, which is not a version range`);
    }
  }
}

function rangeMember(requirement: unknown, where: Where, plugin: string): string {
  const path = `${where()}[${quote(plugin)}]`;
  const { range, lazy } = knownMembers(requirement, path, ["range", "lazy"]) as {
    readonly range?: unknown;
    readonly lazy?: unknown;
  };
  if (lazy !== undefined && typeof lazy !== "boolean") throw invalid(`${path}.lazy`, "is not true or false");
  return string(range, `${path}.range`);
}

/** A release as it stands in a file that has been checked. */
type ReleaseMembers = Omit<Release, "version" | "isYanked" | "dependencies" | "optionalDependencies" | "conflicts"> & {
  readonly yanked?: boolean;
  readonly dependencies?: Members;
  readonly optionalDependencies?: Members;
  readonly conflicts?: Members;
};

function listOf(plugin: string, releases: Members): ReleaseList {
  return {
    plugin,
    releases: Object.keys(releases).map((version) => releaseOf(version, releases[version] as ReleaseMembers)),
  };
}

function releaseOf(version: string, release: ReleaseMembers): Release {
  const { yanked, dependencies, optionalDependencies, conflicts, api, platforms, level, publishedAt } = release;
  const special = yanked ?? optionalDependencies ?? conflicts ?? api ?? platforms ?? level ?? publishedAt;
  // Most releases have nothing but dependencies, and there are many thousands of them.
  if (special === undefined) {
    return dependencies === undefined ? { version } : { version, dependencies: requirementsOf(dependencies) };
  }
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

/** Whether all requirements are plain texts. */
function isPlain(value: Members): value is Readonly<Record<string, string>> {
  for (const plugin of Object.keys(value)) if (typeof value[plugin] !== "string") return false;
  return true;
}
