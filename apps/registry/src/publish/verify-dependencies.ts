import { resolve, ResolveError } from "@berth/resolver";
import type { Resolution } from "@berth/resolver";
import type { Manifest } from "@berth/spec";

import { CatalogueSource } from "../catalogue/catalogue-source.ts";
import type { Database } from "../database/open-database.ts";
import { RegistryError } from "../errors.ts";

/** Far above what an honest release needs; everybody else's answers wait while the search thinks. */
const MAX_STEPS = 200_000;
const MAX_MS = 1_000;

/**
 * Refuses a release that nobody could install from this catalogue, with the resolver's explanation.
 *
 * A budget that runs out is no refusal: nothing was proved, and each host resolves for itself anyway. Nor is
 * this held against what others yank meanwhile or later; the check keeps mistakes out, it guards nobody.
 *
 * @throws RegistryError REGISTRY_DEPENDENCIES_UNMET
 */
export async function verifyDependencies(db: Database, manifest: Manifest): Promise<void> {
  const resolution = await tryResolve(db, manifest);
  if (resolution?.kind !== "conflict") return;
  const { explanation, core } = resolution;
  throw unmet(manifest, explanation.text, { explanation: explanation.lines.map(({ text }) => text), plugins: core });
}

async function tryResolve(db: Database, manifest: Manifest): Promise<Resolution | undefined> {
  const { id, version } = manifest;
  const clock = (): number => performance.now();
  const source = new CatalogueSource(db, manifest, clock() + MAX_MS);
  const budget = { maxSteps: MAX_STEPS, timeoutMs: MAX_MS, clock };
  try {
    return await resolve({ roots: { [id]: version } }, source, { budget, seeksFix: false });
  } catch (error) {
    if (!(error instanceof ResolveError)) throw error;
    if (error.code === "RESOLVE_BUDGET_EXHAUSTED") return undefined;
    // What the resolver cannot read here it cannot read on a host either.
    if (error.code === "RESOLVE_LIST_INVALID") throw unmet(manifest, error.message, {});
    throw error;
  }
}

function unmet({ id, version }: Manifest, why: string, details: Readonly<Record<string, unknown>>): RegistryError {
  return new RegistryError(
    "REGISTRY_DEPENDENCIES_UNMET",
    `${id} ${version} could not be installed from this registry:\n${why}`,
    { details },
  );
}
