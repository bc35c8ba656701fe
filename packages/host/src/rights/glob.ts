import { HostError } from "../errors.ts";

/** Steps that matching may still take, together: a step is a character or a segment that was looked at. */
export interface GlobBudget {
  left: number;
}

/** Some milliseconds; a thousand ordinary names under a dozen ordinary globs take a tenth of it. */
export const makeGlobBudget = (): GlobBudget => ({ left: 5_000_000 });

/**
 * Whether a relative path fits a glob: `*` and `?` within a segment, `**` for any number of segments, everything
 * else as it stands. Our own, because globs come from manifests: brackets and groups, which other matchers turn
 * into regular expressions, can be made to run for ever. Time: length of the path × length of the glob, which is
 * long enough for those who have many of both.
 *
 * @throws HostError BROKER_QUOTA_EXCEEDED when the budget is used up
 */
export function fitsGlob(path: string, glob: string, budget: GlobBudget = makeGlobBudget()): boolean {
  const segments = path.split("/");
  // reached[i]: the pattern so far fits the first i segments.
  let reached = Array.from({ length: segments.length + 1 }, (_, index) => index === 0);
  for (const pattern of glob.split("/")) {
    const next = reached.map(() => false);
    for (const [index, isReached] of reached.entries()) {
      spend(budget);
      const before = index > 0 && reached[index - 1] === true;
      if (pattern === "**") next[index] = isReached || (index > 0 && next[index - 1] === true);
      else next[index] = before && fitsSegment(segments[index - 1] ?? "", pattern, budget);
    }
    reached = next;
  }
  return reached.at(-1) === true;
}

/** Greedy with one place to go back to: a later `*` makes an earlier one's choice final. */
function fitsSegment(text: string, pattern: string, budget: GlobBudget): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    spend(budget);
    if (pattern[inPattern] === "*") {
      star = inPattern;
      starAt = at;
      inPattern += 1;
    } else if (inPattern < pattern.length && (pattern[inPattern] === "?" || pattern[inPattern] === text[at])) {
      at += 1;
      inPattern += 1;
    } else if (star >= 0) {
      starAt += 1;
      at = starAt;
      inPattern = star + 1;
    } else {
      return false;
    }
  }
  while (pattern[inPattern] === "*") inPattern += 1;
  return inPattern === pattern.length;
}

function spend(budget: GlobBudget): void {
  budget.left -= 1;
  if (budget.left < 0)
    throw new HostError("BROKER_QUOTA_EXCEEDED", "files: comparing the path with the globs takes too long");
}
