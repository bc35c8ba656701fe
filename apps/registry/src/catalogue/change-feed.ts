import type { Change } from "@berth/spec";

import type { Database } from "../database/open-database.ts";

/** Changes after a sequence number, oldest first. */
export async function readChanges(db: Database, after: number, limit: number): Promise<Change[]> {
  const rows = await db
    .selectFrom("changes")
    .selectAll()
    .where("sequence", ">", after)
    .orderBy("sequence")
    .limit(limit)
    .execute();
  return rows.map(({ sequence, at, kind, publisher, plugin, version }) => ({
    sequence,
    at,
    kind,
    publisher,
    ...(plugin !== null && { plugin }),
    ...(version !== null && { version }),
  }));
}

/** The sequence number of the newest change; 0 while there is none. */
export async function lastSequence(db: Database): Promise<number> {
  const row = await db
    .selectFrom("changes")
    .select(({ fn }) => fn.max("sequence").as("last"))
    .executeTakeFirst();
  return row?.last ?? 0;
}
