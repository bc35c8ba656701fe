/** Steps that matching may still take, together: a step is a character or a segment that was looked at. */
export interface GlobBudget {
  left: number;
}

/**
 * Whether a relative path fits a glob: `*` and `?` within a segment, `**` for any number of segments, everything
 * else as it stands. Our own, because globs come from manifests: brackets and groups, which other matchers turn
 * into regular expressions, can be made to run for ever. Time: length of the path × length of the glob, which is
 * long enough for those who have many of both. When the budget is used up the answer is no, and `left` is negative.
 */
export function fitsGlob(path: string, glob: string, budget: GlobBudget): boolean {
  return fits(path, glob, budget, false);
}

/**
 * Whether every path that fits the glob `b` fits `a`, as far as it can be told by laying one over the other: a yes is
 * always true, a no may not be. What `a` takes for any text may be a `*` or `?` of `b`, and nothing else may.
 */
export function coversGlob(a: string, b: string, budget: GlobBudget): boolean {
  return fits(b, a, budget, true);
}

function fits(text: string, glob: string, budget: GlobBudget, isGlob: boolean): boolean {
  const segments = text.split("/");
  // reached[i]: the pattern so far fits the first i segments.
  let reached = Array.from({ length: segments.length + 1 }, (_, index) => index === 0);
  for (const pattern of glob.split("/")) {
    const next = reached.map(() => false);
    for (const [index, isReached] of reached.entries()) {
      if (!spend(budget)) return false;
      const before = index > 0 && reached[index - 1] === true;
      const segment = segments[index - 1] ?? "";
      if (pattern === "**") next[index] = isReached || (index > 0 && next[index - 1] === true);
      else if (before && !(isGlob && segment === "**")) next[index] = fitsSegment(segment, pattern, budget, isGlob);
    }
    reached = next;
  }
  return reached.at(-1) === true;
}

/** Greedy with one place to go back to: a later `*` makes an earlier one's choice final. */
function fitsSegment(text: string, pattern: string, budget: GlobBudget, isGlob: boolean): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    if (!spend(budget)) return false;
    const wanted = pattern[inPattern];
    if (wanted === "*") {
      star = inPattern;
      starAt = at;
      inPattern += 1;
    } else if (wanted === text[at] || (wanted === "?" && !(isGlob && text[at] === "*"))) {
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

function spend(budget: GlobBudget): boolean {
  budget.left -= 1;
  return budget.left >= 0;
}
