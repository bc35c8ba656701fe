import { quote } from "@berth/base";
import { Catalogue } from "./catalogue.ts";
import { checkSolution } from "./check-solution.ts";
import { ResolveError } from "./errors.ts";
import type { Lockfile } from "./lockfile.ts";
import type { ReleaseSource, Requirements } from "./release-source.ts";
import { compileRequest } from "./request.ts";
import type { ResolveRequest } from "./request.ts";

/**
 * Checks for `--frozen` that the lock is a solution of `request` as it stands, without searching for another.
 *
 * @throws ResolveError RESOLVE_LOCK_STALE with every problem in its details; what `resolve` throws for
 *   malformed requests and lists; and whatever the source throws.
 */
export async function verifyLock(lock: Lockfile, request: ResolveRequest, source: ReleaseSource): Promise<void> {
  const catalogue = new Catalogue();
  const compiled = compileRequest(request, catalogue.vocabulary);
  const versions = new Map(lock.releases.map(({ plugin, version }) => [plugin, version]));
  const asked = Array.from(versions.keys());
  catalogue.absorb(asked, await source.load(asked));
  const problems = [...differences(lock, request.roots), ...checkSolution(versions, compiled, catalogue)];
  if (problems.length === 0) return;
  throw new ResolveError("RESOLVE_LOCK_STALE", `The lockfile does not fit: ${problems[0]}`, {
    hint: "Run `berth lock` and review the difference.",
    details: { problems },
  });
}

function differences(lock: Lockfile, roots: Requirements): string[] {
  const known = new Map(Object.entries(lock.requirements));
  const problems: string[] = [];
  for (const [plugin, requirement] of Object.entries(roots)) {
    const range = typeof requirement === "string" ? requirement : requirement.range;
    const locked = known.get(plugin);
    known.delete(plugin);
    if (locked === undefined) problems.push(`You require ${quote(plugin)}, which it was not made for.`);
    else if (locked !== range) {
      problems.push(`You require ${quote(plugin)} ${quote(range)}, and it was made for ${quote(locked)}.`);
    }
  }
  for (const plugin of known.keys()) problems.push(`It was made for ${quote(plugin)}, which you do not require.`);
  return problems;
}
