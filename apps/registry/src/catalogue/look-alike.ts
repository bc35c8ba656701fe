import { editDistance } from "@berth/base";

/**
 * Names here are lower-case ASCII letters, digits and single hyphens, so look-alikes from other alphabets
 * and other cases cannot be written at all. What is left: hyphens, characters that look alike, and
 * single letters. Pairs of the first list look alike in most typefaces.
 */
const LOOKS_LIKE: readonly (readonly [from: RegExp, to: string])[] = [
  [/-/g, ""],
  [/rn/g, "m"],
  [/vv/g, "w"],
  [/[1i]/g, "l"],
  [/0/g, "o"],
  [/5/g, "s"],
  [/8/g, "b"],
  [/2/g, "z"],
];

/** Shorter names have too many innocent neighbours for the rule of one letter. */
const MIN_LENGTH_FOR_DISTANCE = 5;

/** What a name looks like; two names with one skeleton never stand beside each other. */
export function skeletonOf(name: string): string {
  return LOOKS_LIKE.reduce((text, [from, to]) => text.replace(from, to), name);
}

/**
 * The skeleton with each of its characters left out, and whole. Two names at distance 1 always share
 * one of these texts, so that an index finds them without comparing with every name.
 */
export function deletionsOf(skeleton: string): string[] {
  const deletions = Array.from(skeleton, (_, at) => skeleton.slice(0, at) + skeleton.slice(at + 1));
  return [...new Set([skeleton, ...deletions])];
}

/** Whether two skeletons differ by one letter that was added, dropped, replaced or swapped. */
export function isOneLetterOff(a: string, b: string): boolean {
  return Math.min(a.length, b.length) >= MIN_LENGTH_FOR_DISTANCE && editDistance(a, b) === 1;
}
