/** From the weakest walls to the strongest. See DESIGN's table of levels. */
export const SECURITY_LEVELS = ["minimal", "standard", "strict", "isolated"] as const;

/** How strongly a plugin is held: minimal, standard, strict or isolated, in that order. */
export type SecurityLevel = (typeof SECURITY_LEVELS)[number];

/** Negative when `a` is weaker than `b`, positive when stronger, 0 when equal. */
export function compareLevels(a: SecurityLevel, b: SecurityLevel): number {
  return SECURITY_LEVELS.indexOf(a) - SECURITY_LEVELS.indexOf(b);
}

/** The stronger of two levels: the effective level is that of manifest and policy. */
export function strongerLevel(a: SecurityLevel, b: SecurityLevel): SecurityLevel {
  return compareLevels(a, b) >= 0 ? a : b;
}
