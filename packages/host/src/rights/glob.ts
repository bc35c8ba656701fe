/**
 * Whether a relative path fits a glob: `*` and `?` within a segment, `**` for any number of segments, everything
 * else as it stands. Our own, because globs come from manifests: brackets and groups, which other matchers turn
 * into regular expressions, can be made to run for ever. Time: segments of the path × segments of the glob.
 */
export function fitsGlob(path: string, glob: string): boolean {
  const segments = path.split("/");
  // reached[i]: the pattern so far fits the first i segments.
  let reached = Array.from({ length: segments.length + 1 }, (_, index) => index === 0);
  for (const pattern of glob.split("/")) {
    const next = reached.map(() => false);
    for (const [index, isReached] of reached.entries()) {
      const before = index > 0 && reached[index - 1] === true;
      if (pattern === "**") next[index] = isReached || (index > 0 && next[index - 1] === true);
      else next[index] = before && fitsSegment(segments[index - 1] ?? "", pattern);
    }
    reached = next;
  }
  return reached.at(-1) === true;
}

/** Greedy with one place to go back to: a later `*` makes an earlier one's choice final. */
function fitsSegment(text: string, pattern: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
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
