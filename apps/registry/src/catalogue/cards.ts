import type { PluginCard } from "@berth/spec";
import type { Kysely } from "kysely";

import type { Tables } from "../database/tables.ts";
import type { ReleaseCard } from "./documents.ts";

/** The cards of these plugins, as lists and searches show them; ids that are not there are left out. */
export async function readCards(db: Kysely<Tables>, ids: readonly string[]): Promise<PluginCard[]> {
  if (ids.length === 0) return [];
  const rows = await db
    .selectFrom("plugins")
    .innerJoin("releases", (join) =>
      join.onRef("releases.plugin", "=", "plugins.id").onRef("releases.version", "=", "plugins.shown"),
    )
    .select(["releases.card", "plugins.downloads", "plugins.deprecated"])
    .where("plugins.id", "in", ids)
    .execute();
  return rows.map(({ card, downloads, deprecated }) => {
    const { homepage: _homepage, repository: _repository, ...shown } = JSON.parse(card) as ReleaseCard;
    return {
      ...shown,
      downloads,
      ...(deprecated !== null && { deprecated: JSON.parse(deprecated) as PluginCard["deprecated"] }),
    };
  });
}
