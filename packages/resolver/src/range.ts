import SemVerRange from "semver/classes/range.js";
import { compareVersions, versionOf } from "./version.ts";
import type { Version } from "./version.ts";

/** Longer range texts are refused: real ones are below 100 characters. */
export const RANGE_MAX_LENGTH = 4096;

/** Ranges with more alternatives (`||`) than this are refused. */
export const RANGE_MAX_ALTERNATIVES = 256;

/** One stretch of versions. A missing end is open without limit. */
interface Interval {
  readonly low: Version | undefined;
  readonly includesLow: boolean;
  readonly high: Version | undefined;
  readonly includesHigh: boolean;
}

/**
 * A version range: an npm range evaluated with pre-releases included, so that membership is plain order
 * and never depends on which versions the range happens to mention.
 */
export interface Range {
  /** As its author wrote it, trimmed. */
  readonly text: string;
  /** Non-empty, sorted, not touching each other. None for a range that no version can match. */
  readonly intervals: readonly Interval[];
}

const LOWEST: Version = { text: "0.0.0-0", major: 0, minor: 0, patch: 0, prerelease: [0] };

/** Parses an npm range, or gives `undefined` for what is no range or beyond the limits. */
export function tryParseRange(text: string): Range | undefined {
  if (text.length > RANGE_MAX_LENGTH || text.split("||").length > RANGE_MAX_ALTERNATIVES) return undefined;
  let parsed: SemVerRange;
  try {
    parsed = new SemVerRange(text, { includePrerelease: true });
  } catch {
    // semver throws for whatever is no range; callers have the better message.
    return undefined;
  }
  const intervals = parsed.set.map(intervalOf).filter((interval) => interval !== undefined);
  return { text: text.trim(), intervals: mergeIntervals(intervals) };
}

type Comparators = SemVerRange["set"][number];

/** All comparators of one alternative must hold: the highest lower end and the lowest upper end count. */
function intervalOf(comparators: Comparators): Interval | undefined {
  let interval: Interval = { low: undefined, includesLow: false, high: undefined, includesHigh: false };
  for (const comparator of comparators) {
    // The comparator that accepts anything holds a symbol in place of a version.
    if (typeof comparator.semver === "symbol") continue;
    const version = versionOf(comparator.semver);
    const operator: string = comparator.operator;
    if (operator === "" || operator === "=" || operator.startsWith(">")) {
      interval = raiseLow(interval, version, operator !== ">");
    }
    if (operator === "" || operator === "=" || operator.startsWith("<")) {
      interval = lowerHigh(interval, version, operator !== "<");
    }
  }
  return isEmptyInterval(interval) ? undefined : interval;
}

function raiseLow(interval: Interval, low: Version, includesLow: boolean): Interval {
  const order = interval.low === undefined ? 1 : compareVersions(low, interval.low);
  if (order < 0) return interval;
  return { ...interval, low, includesLow: order === 0 ? includesLow && interval.includesLow : includesLow };
}

function lowerHigh(interval: Interval, high: Version, includesHigh: boolean): Interval {
  const order = interval.high === undefined ? -1 : compareVersions(high, interval.high);
  if (order > 0) return interval;
  return { ...interval, high, includesHigh: order === 0 ? includesHigh && interval.includesHigh : includesHigh };
}

function isEmptyInterval({ low, includesLow, high, includesHigh }: Interval): boolean {
  if (high === undefined) return false;
  // npm writes the range that matches nothing as `<0.0.0-0`.
  if (low === undefined) return !includesHigh && compareVersions(high, LOWEST) <= 0;
  const order = compareVersions(low, high);
  return order > 0 || (order === 0 && !(includesLow && includesHigh));
}

function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const interval of intervals.toSorted(compareLows)) {
    const last = merged.at(-1);
    if (last === undefined || !touches(last, interval)) merged.push(interval);
    else if (compareHighs(interval, last) > 0) {
      merged[merged.length - 1] = { ...last, high: interval.high, includesHigh: interval.includesHigh };
    }
  }
  return merged;
}

function compareLows(a: Interval, b: Interval): number {
  if (a.low === undefined || b.low === undefined) return Number(a.low !== undefined) - Number(b.low !== undefined);
  return compareVersions(a.low, b.low) || Number(b.includesLow) - Number(a.includesLow);
}

function compareHighs(a: Interval, b: Interval): number {
  if (a.high === undefined || b.high === undefined) return Number(a.high === undefined) - Number(b.high === undefined);
  return compareVersions(a.high, b.high) || Number(a.includesHigh) - Number(b.includesHigh);
}

/** Whether `next`, which starts no earlier than `before`, overlaps or directly continues it. */
function touches(before: Interval, next: Interval): boolean {
  if (before.high === undefined || next.low === undefined) return true;
  const order = compareVersions(next.low, before.high);
  return order < 0 || (order === 0 && (next.includesLow || before.includesHigh));
}

/** The version that `range` pins, or `undefined` when it leaves a choice. */
export function exactVersionOf(range: Range): Version | undefined {
  const [only, ...others] = range.intervals;
  if (only?.low === undefined || only.high === undefined || others.length > 0) return undefined;
  return compareVersions(only.low, only.high) === 0 ? only.low : undefined;
}

/** Whether `range` accepts every version there could be. */
export function isUnlimited(range: Range): boolean {
  const [only] = range.intervals;
  if (only === undefined || only.high !== undefined) return false;
  return only.low === undefined || (only.includesLow && compareVersions(only.low, LOWEST) <= 0);
}

/** Whether no version could ever match both ranges. */
export function areDisjoint(a: Range, b: Range): boolean {
  return a.intervals.every((one) => b.intervals.every((other) => !overlaps(one, other)));
}

function overlaps(a: Interval, b: Interval): boolean {
  const [first, second] = compareLows(a, b) <= 0 ? [a, b] : [b, a];
  if (first.high === undefined || second.low === undefined) return true;
  const order = compareVersions(second.low, first.high);
  return order < 0 || (order === 0 && second.includesLow && first.includesHigh);
}

/** Whether `version` comes before everything that `range` accepts. */
export function isBelow(version: Version, range: Range): boolean {
  const [first] = range.intervals;
  return first !== undefined && !startsBy(first, version);
}

/** Whether `version` is in `range`. */
export function matches(range: Range, version: Version): boolean {
  return range.intervals.some((interval) => startsBy(interval, version) && endsAfter(interval, version));
}

function startsBy({ low, includesLow }: Interval, version: Version): boolean {
  if (low === undefined) return true;
  const order = compareVersions(low, version);
  return order < 0 || (order === 0 && includesLow);
}

function endsAfter({ high, includesHigh }: Interval, version: Version): boolean {
  if (high === undefined) return true;
  const order = compareVersions(version, high);
  return order < 0 || (order === 0 && includesHigh);
}

/**
 * The indexes of the versions that match, as boundaries of half-open stretches (see `version-set.ts`).
 *
 * @param sorted versions in ascending order
 */
export function indexesIn(range: Range, sorted: readonly Version[]): number[] {
  const bounds: number[] = [];
  for (const interval of range.intervals) {
    const from = firstIndex(sorted, (version) => startsBy(interval, version));
    const to = firstIndex(sorted, (version) => !endsAfter(interval, version));
    if (from >= to) continue;
    if (bounds.at(-1) === from) bounds[bounds.length - 1] = to;
    else bounds.push(from, to);
  }
  return bounds;
}

/** Binary search: the first index whose version fulfils a claim that, once true, stays true. */
function firstIndex(sorted: readonly Version[], claim: (version: Version) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (claim(sorted[middle] as Version)) high = middle;
    else low = middle + 1;
  }
  return low;
}
