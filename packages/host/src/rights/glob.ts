import { fitsGlob as fits } from "@berth/spec";
import type { GlobBudget } from "@berth/spec";

import { HostError } from "../errors.ts";

/** Some milliseconds; a thousand ordinary names under a dozen ordinary globs take a tenth of it. */
export const makeGlobBudget = (): GlobBudget => ({ left: 5_000_000 });

/**
 * As `fitsGlob` of the specification, for what a plugin asks.
 *
 * @throws HostError BROKER_QUOTA_EXCEEDED when the budget is used up
 */
export function fitsGlob(path: string, glob: string, budget: GlobBudget = makeGlobBudget()): boolean {
  const isFit = fits(path, glob, budget);
  if (budget.left < 0)
    throw new HostError("BROKER_QUOTA_EXCEEDED", "files: comparing the path with the globs takes too long");
  return isFit;
}
