import SemVer from "semver/classes/semver.js";

/** A semver version, parsed once. Build metadata is not part of it: Berth refuses versions that carry any. */
export interface Version {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Identifiers after the hyphen; empty for a stable version. */
  readonly prerelease: readonly (string | number)[];
}

/**
 * Parses a version in its canonical form, or gives `undefined`. `v1.0.0`, ` 1.0.0`, `1.0` and `1.0.0+build`
 * are refused: a release has exactly one spelling, or two could claim to be the same one.
 */
export function tryParseVersion(text: string): Version | undefined {
  let parsed: SemVer;
  try {
    parsed = new SemVer(text);
  } catch {
    // semver throws for whatever is no version; callers have the better message.
    return undefined;
  }
  if (parsed.build.length > 0 || parsed.version !== text) return undefined;
  return versionOf(parsed);
}

/** The part of a parsed SemVer that takes part in ordering. */
export function versionOf(parsed: SemVer): Version {
  return {
    text: parsed.version,
    major: parsed.major,
    minor: parsed.minor,
    patch: parsed.patch,
    prerelease: parsed.prerelease,
  };
}

export function isPrerelease(version: Version): boolean {
  return version.prerelease.length > 0;
}

/** Precedence of two versions: semver 2.0.0, clause 11. Negative, 0 or positive. */
export function compareVersions(a: Version, b: Version): number {
  return a.major - b.major || a.minor - b.minor || a.patch - b.patch || comparePrereleases(a.prerelease, b.prerelease);
}

function comparePrereleases(a: readonly (string | number)[], b: readonly (string | number)[]): number {
  // Clause 11.3: a version with a pre-release part comes before the same version without.
  if (a.length === 0 || b.length === 0) return b.length - a.length;
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const order = compareIdentifiers(a[index] as string | number, b[index] as string | number);
    if (order !== 0) return order;
  }
  // Clause 11.4.4: more identifiers win when all before them are equal.
  return a.length - b.length;
}

function compareIdentifiers(a: string | number, b: string | number): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  // Clause 11.4.3: numeric identifiers come before alphanumeric ones.
  if (typeof a === "number") return -1;
  if (typeof b === "number") return 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
