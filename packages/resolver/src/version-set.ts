/**
 * A set of places in one plugin's sorted release list, as boundaries of half-open stretches:
 * `[2, 5, 7, 8]` holds 2, 3, 4 and 7. Boundaries rise strictly, so equal sets are equal lists.
 *
 * The place after the last release stands for "absent": the plugin is not installed at all. With it, a
 * negative term ("not foo ^1") is just a set that contains the absent place, and PubGrub's relations
 * between terms become relations between sets. See docs/solver.md, "Version sets".
 */
export type VersionSet = readonly number[];

export const EMPTY: VersionSet = [];

export function isEmpty(set: VersionSet): boolean {
  return set.length === 0;
}

export function contains(set: VersionSet, place: number): boolean {
  for (let index = 0; index < set.length; index += 2) {
    if (place < (set[index] as number)) return false;
    if (place < (set[index + 1] as number)) return true;
  }
  return false;
}

/** How many places the set holds. */
export function countOf(set: VersionSet): number {
  let count = 0;
  for (let index = 0; index < set.length; index += 2) count += (set[index + 1] as number) - (set[index] as number);
  return count;
}

export function equals(a: VersionSet, b: VersionSet): boolean {
  return a === b || (a.length === b.length && a.every((bound, index) => bound === b[index]));
}

/** The places below `size` that are not in `set`. */
export function complementOf(set: VersionSet, size: number): VersionSet {
  const result: number[] = [];
  let from = 0;
  for (let index = 0; index < set.length; index += 2) {
    const start = set[index] as number;
    if (from < start) result.push(from, start);
    from = set[index + 1] as number;
  }
  if (from < size) result.push(from, size);
  return result;
}

export function intersectionOf(a: VersionSet, b: VersionSet): VersionSet {
  if (a.length === 2 && b.length === 2) {
    const start = Math.max(a[0] as number, b[0] as number);
    const end = Math.min(a[1] as number, b[1] as number);
    return start < end ? [start, end] : EMPTY;
  }
  const result: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const start = Math.max(a[i] as number, b[j] as number);
    const endA = a[i + 1] as number;
    const endB = b[j + 1] as number;
    const end = Math.min(endA, endB);
    if (start < end) result.push(start, end);
    if (endA <= endB) i += 2;
    if (endB <= endA) j += 2;
  }
  return result;
}

export function unionOf(a: VersionSet, b: VersionSet): VersionSet {
  const result: number[] = [];
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const takeA = j >= b.length || (i < a.length && (a[i] as number) <= (b[j] as number));
    const start = (takeA ? a[i] : b[j]) as number;
    const end = (takeA ? a[i + 1] : b[j + 1]) as number;
    if (takeA) i += 2;
    else j += 2;
    const last = result.length - 1;
    if (last >= 0 && start <= (result[last] as number)) result[last] = Math.max(result[last] as number, end);
    else result.push(start, end);
  }
  return result;
}

export function differenceOf(a: VersionSet, b: VersionSet): VersionSet {
  return intersectionOf(a, complementOf(b, (a.at(-1) ?? 0) + 1));
}

/** Whether every place of `inner` is in `outer`. */
export function isSubset(inner: VersionSet, outer: VersionSet): boolean {
  let j = 0;
  for (let i = 0; i < inner.length; i += 2) {
    const start = inner[i] as number;
    while (j < outer.length && (outer[j + 1] as number) <= start) j += 2;
    if (j >= outer.length || start < (outer[j] as number) || (inner[i + 1] as number) > (outer[j + 1] as number)) {
      return false;
    }
  }
  return true;
}

/** Whether the sets share no place. */
export function isDisjoint(a: VersionSet, b: VersionSet): boolean {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    if ((a[i + 1] as number) <= (b[j] as number)) i += 2;
    else if ((b[j + 1] as number) <= (a[i] as number)) j += 2;
    else return false;
  }
  return true;
}
