import { compare, prerelease } from "semver";

import type { CatalogueWrite } from "./write.ts";

interface ListedVersion {
  readonly version: string;
  readonly yanked: string | null;
}

/** The version that lists show: newest, not yanked, no pre-release; each condition dropped only where nothing is left. */
export function shownVersion(versions: readonly ListedVersion[]): string | undefined {
  const sorted = versions.toSorted((a, b) => compare(b.version, a.version));
  const sound = sorted.filter(({ yanked }) => yanked === null);
  const stable = sound.find(({ version }) => prerelease(version) === null);
  return (stable ?? sound[0] ?? sorted[0])?.version;
}

/** Notes a change of a plugin: another revision, and perhaps another version to show. */
export async function touchPlugin({ db, at }: CatalogueWrite, id: string): Promise<void> {
  const versions = await db.selectFrom("releases").select(["version", "yanked"]).where("plugin", "=", id).execute();
  const shown = shownVersion(versions);
  await db
    .updateTable("plugins")
    .set((expression) => ({
      revision: expression("revision", "+", 1),
      updated_at: at,
      ...(shown !== undefined && { shown }),
    }))
    .where("id", "=", id)
    .execute();
}
