import type { Confidence, Finding, Severity, Verdict } from "@berth/spec";

/** Points that a finding of this severity costs when it is certain. */
export const severityPoints: Readonly<Record<Severity, number>> = {
  info: 0,
  low: 6,
  medium: 35,
  high: 55,
  critical: 85,
};
/** How much of the points counts. */
export const confidenceFactor: Readonly<Record<Confidence, number>> = { low: 0.35, medium: 0.7, high: 1 };
/** All findings of severity low together cost no more than this: many trifles are not a crime. */
export const LOW_CAP = 20;
/** Below this score a person should look; below the second the package should be refused. */
export const REVIEW_BELOW = 75;
export const BLOCK_BELOW = 30;

/**
 * The published formula: 100 minus, for each rule that found something, the points of its worst
 * finding times the confidence; rules whose worst is "low" together at most 20; never below 0.
 * Suppressed findings count like all others; waived ones (by the operator) do not.
 */
export function scoreOf(findings: readonly Finding[]): number {
  const worst = new Map<string, { points: number; isLow: boolean }>();
  for (const finding of findings) {
    if (finding.waived !== undefined) continue;
    const points = severityPoints[finding.severity] * confidenceFactor[finding.confidence];
    const before = worst.get(finding.rule);
    if (before === undefined || points > before.points)
      worst.set(finding.rule, { points, isLow: finding.severity === "low" });
  }
  let low = 0;
  let rest = 0;
  for (const one of worst.values()) {
    if (one.isLow) low += one.points;
    else rest += one.points;
  }
  return Math.max(0, Math.round(100 - rest - Math.min(low, LOW_CAP)));
}

/** What to do about a score. */
export function verdictOf(score: number): Verdict {
  if (score >= REVIEW_BELOW) return "clean";
  return score >= BLOCK_BELOW ? "review" : "block";
}
