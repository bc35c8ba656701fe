import { quote } from "@berth/base";
import { Range, SemVer, lt, valid } from "semver";

import { SpecError } from "./errors.ts";

/** One line of visible ASCII without space at either end: what `semver` trims, other readers may not. */
const RANGE_TEXT = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;
/** Longer texts are refused before they are parsed. */
const MAX_VERSION_LENGTH = 64;
const MAX_RANGE_LENGTH = 256;

/**
 * Reads a release version: Semantic Versioning 2.0.0, no leading `v`, no spaces, no build metadata.
 * Returns the text itself, which is canonical.
 *
 * @throws SpecError SPEC_VERSION_INVALID
 */
export function parseVersion(text: string): string {
  if (isVersion(text)) return text;
  const repaired = text.length <= MAX_VERSION_LENGTH ? valid(text, { loose: true }) : null;
  throw new SpecError("SPEC_VERSION_INVALID", `Expected a version like "1.2.3", found ${quote(text)}`, {
    ...(repaired !== null && repaired !== text && { hint: `Did you mean ${quote(repaired)}?` }),
  });
}

/** Whether `text` is a release version in canonical form. */
export function isVersion(text: string): boolean {
  return text.length <= MAX_VERSION_LENGTH && valid(text) === text && !text.includes("+");
}

/**
 * Reads a version range in npm's syntax.
 *
 * @throws SpecError SPEC_RANGE_INVALID
 */
export function parseRange(text: string): Range {
  const range = tryParseRange(text);
  if (range === undefined) {
    throw new SpecError("SPEC_RANGE_INVALID", `Expected a version range like "^1.2", found ${quote(text)}`);
  }
  return range;
}

/** Whether `text` is a version range. */
export function isRange(text: string): boolean {
  return tryParseRange(text) !== undefined;
}

function tryParseRange(text: string): Range | undefined {
  if (text.length > MAX_RANGE_LENGTH || !RANGE_TEXT.test(text)) return undefined;
  try {
    return new Range(text, { includePrerelease: true });
  } catch {
    return undefined; // semver throws TypeError for every text that is not a range.
  }
}

/** Whether one release version comes before another: Semantic Versioning 2.0.0, clause 11. */
export function isLowerVersion(version: string, than: string): boolean {
  return lt(version, than);
}

/** Whether `version` lies in `range`. Pre-releases take part like any other version; policy prefers among them. */
export function versionInRange(version: string, range: string): boolean {
  return parseRange(range).test(new SemVer(version));
}
