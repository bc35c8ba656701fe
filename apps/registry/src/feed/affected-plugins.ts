import type { Change } from "@berth/spec";

import { pluginsOf } from "../catalogue/documents.ts";
import type { Database } from "../database/open-database.ts";

/** Ids of the plugins whose documents these changes touch: a publisher's key stands in all of theirs. */
export async function affectedPlugins(db: Database, changes: readonly Change[]): Promise<string[]> {
  const ids = new Set(changes.flatMap(({ plugin }) => plugin ?? []));
  const publishers = new Set(changes.filter(({ kind }) => kind === "key").map(({ publisher }) => publisher));
  for (const publisher of publishers) for (const id of await pluginsOf(db, publisher)) ids.add(id);
  return [...ids];
}
