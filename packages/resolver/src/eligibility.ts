import { canGiveLevel } from "./host-facts.ts";
import type { SecurityLevel } from "./host-facts.ts";
import type { PluginTable, ReleaseTraits } from "./plugin-table.ts";
import { exactVersionOf, matches } from "./range.ts";
import type { Range } from "./range.ts";
import type { CompiledRequest } from "./request.ts";
import { isPrerelease } from "./version.ts";
import type { Version } from "./version.ts";
import type { VersionSet } from "./version-set.ts";

/** Why releases of a plugin may not be used at all, whoever requires them. */
export type Ban =
  | { readonly kind: "revoked"; readonly reason: string | undefined }
  | { readonly kind: "api"; readonly range: Range; readonly hostApi: string }
  | { readonly kind: "platform"; readonly platform: string }
  | { readonly kind: "level"; readonly level: SecurityLevel; readonly highestLevel: SecurityLevel }
  | { readonly kind: "constraint"; readonly range: Range }
  | { readonly kind: "yanked"; readonly isAbsolute: boolean }
  | { readonly kind: "prerelease" }
  | { readonly kind: "age"; readonly minimumAgeMs: number };

/** Releases that fall under one ban. */
export interface BannedReleases {
  readonly ban: Ban;
  readonly set: VersionSet;
}

/**
 * Sorts out the releases of `table` that this request must not use, grouped by reason. A release that
 * several rules forbid stands only under the first, which is the one that is hardest to lift.
 */
export function bannedReleases(table: PluginTable, request: CompiledRequest): BannedReleases[] {
  const tests: Test[] = [];
  for (const rule of rules) {
    const test = rule(table, request);
    if (test !== undefined) tests.push(test);
  }
  if (tests.length === 0) return [];
  const groups = new Map<string, { ban: Ban; places: number[] }>();
  table.traits.forEach((traits, place) => {
    const found = firstBan(tests, { ...traits, version: table.versions[place] as Version });
    if (found === undefined) return;
    const [key, ban] = found;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { ban, places: [place] });
    else group.places.push(place);
  });
  return Array.from(groups.values(), ({ ban, places }) => ({ ban, set: setOf(places) }));
}

type Candidate = ReleaseTraits & { readonly version: Version };

/** The ban under which a release falls, with a key that tells it from the other bans of the plugin. */
type Test = (release: Candidate) => readonly [key: string, ban: Ban] | undefined;

/** Looks at plugin and request as a whole; `undefined` when no release can fall under the rule. */
type Rule = (table: PluginTable, request: CompiledRequest) => Test | undefined;

/** Hardest to lift first: a revocation and the machine itself come before what a policy may relax. */
const rules: readonly Rule[] = [
  ({ name }, { revoked }) => {
    const entries = revoked.get(name);
    if (entries === undefined) return undefined;
    return ({ version }) => {
      const entry = entries.find(({ range }) => range === undefined || matches(range, version));
      return entry && [`revoked ${entry.reason}`, { kind: "revoked", reason: entry.reason }];
    };
  },
  (_, { host: { api } }) => {
    if (api === undefined) return undefined;
    return ({ api: range }) => {
      if (range === undefined || matches(range, api)) return undefined;
      return [`api ${range.text}`, { kind: "api", range, hostApi: api.text }];
    };
  },
  (_, { host: { platform } }) => {
    if (platform === undefined) return undefined;
    return ({ platforms }) =>
      platforms === undefined || platforms.includes(platform)
        ? undefined
        : ["platform", { kind: "platform", platform }];
  },
  (_, { host: { highestLevel } }) => {
    if (highestLevel === undefined) return undefined;
    return ({ level }) =>
      level === undefined || canGiveLevel(highestLevel, level)
        ? undefined
        : [`level ${level}`, { kind: "level", level, highestLevel }];
  },
  ({ name }, { constraints }) => {
    const range = constraints.get(name);
    if (range === undefined) return undefined;
    return ({ version }) => (matches(range, version) ? undefined : ["constraint", { kind: "constraint", range }]);
  },
  ({ name, hasYanked }, request) => {
    if (!hasYanked || request.yanked === "allow") return undefined;
    const isAbsolute = request.yanked === "never";
    const pinned = isAbsolute ? undefined : pinnedVersion(name, request);
    return ({ isYanked, version }) =>
      isYanked && version.text !== pinned ? ["yanked", { kind: "yanked", isAbsolute }] : undefined;
  },
  ({ name }, request) => {
    if (request.prerelease !== "never") return undefined;
    const pinned = pinnedVersion(name, request);
    return ({ version }) =>
      isPrerelease(version) && version.text !== pinned ? ["prerelease", { kind: "prerelease" }] : undefined;
  },
  ({ name }, { minimumAgeMs, minimumAgeExempt, nowMs }) => {
    if (minimumAgeMs === 0 || minimumAgeExempt.has(name)) return undefined;
    // A release of unknown age could be minutes old, so it counts as too young.
    return ({ publishedAtMs }) =>
      publishedAtMs !== undefined && nowMs - publishedAtMs >= minimumAgeMs
        ? undefined
        : ["age", { kind: "age", minimumAgeMs }];
  },
];

/** The exact version that a root asks for. An override replaces the root's range, and with it the pin. */
function pinnedVersion(name: string, { rootOf, overrides }: CompiledRequest): string | undefined {
  const root = rootOf.get(name);
  return root === undefined ? undefined : exactVersionOf(overrides.get(name) ?? root)?.text;
}

function firstBan(tests: readonly Test[], release: Candidate): ReturnType<Test> {
  for (const test of tests) {
    const found = test(release);
    if (found !== undefined) return found;
  }
  return undefined;
}

function setOf(places: readonly number[]): VersionSet {
  const bounds: number[] = [];
  for (const place of places) {
    if (bounds.at(-1) === place) bounds[bounds.length - 1] = place + 1;
    else bounds.push(place, place + 1);
  }
  return bounds;
}
