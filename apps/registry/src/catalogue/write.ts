import type { Change } from "@berth/spec";
import type { Transaction } from "kysely";

import type { Database } from "../database/open-database.ts";
import type { Tables } from "../database/tables.ts";

/** One change of the catalogue under way: nobody else writes until it ends. */
export interface CatalogueWrite {
  readonly db: Transaction<Tables>;
  /** ISO instant of this write; never before that of the last one, even where the clock was set back. */
  readonly at: string;
  /** Puts an entry into the change feed; gives its sequence number. */
  record(change: { kind: Change["kind"]; publisher: string; plugin?: string; version?: string }): Promise<number>;
}

/** Runs `work` in one transaction, alone. What it throws undoes everything. */
export function writeCatalogue<T>(
  database: Database,
  now: () => Date,
  work: (write: CatalogueWrite) => Promise<T>,
): Promise<T> {
  return database.transaction().execute(async (db) => {
    // The row is the lock: PostgreSQL lets the next writer past this line only when this one has ended.
    await db
      .updateTable("counters")
      .set((expression) => ({ value: expression.ref("value") }))
      .where("name", "=", "sequence")
      .execute();
    const last = await db.selectFrom("changes").select("at").orderBy("sequence", "desc").limit(1).executeTakeFirst();
    const current = now().toISOString();
    const at = last !== undefined && last.at > current ? last.at : current;
    return work({
      db,
      at,
      async record({ kind, publisher, plugin = null, version = null }) {
        const { value } = await db
          .updateTable("counters")
          .set((expression) => ({ value: expression("value", "+", 1) }))
          .where("name", "=", "sequence")
          .returning("value")
          .executeTakeFirstOrThrow();
        await db.insertInto("changes").values({ sequence: value, at, kind, publisher, plugin, version }).execute();
        return value;
      },
    });
  });
}
