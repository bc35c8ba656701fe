import { join } from "node:path";

import { Store } from "@berth/store";
import { Kysely, PostgresDialect } from "kysely";
import { Migrator } from "kysely/migration";
import pg from "pg";

import { RegistryError } from "../errors.ts";
import { migrations } from "./migrations.ts";
import { sqliteDialect } from "./sqlite-dialect.ts";
import type { Tables } from "./tables.ts";

export type Database = Kysely<Tables>;

const INT8_OID = 20;
const POOL_SIZE = 10;

/**
 * Opens the catalogue's database and brings its schema up to date. `url` is `sqlite` for a file in the
 * data directory, or a `postgres://` URL. The caller destroys the result.
 *
 * @throws StoreError; RegistryError REGISTRY_DATABASE_FAILED
 */
export async function openDatabase(url: string, dataDir: string): Promise<Database> {
  const db = new Kysely<Tables>({ dialect: url === "sqlite" ? await openSqlite(dataDir) : openPostgres(url) });
  const provider = { getMigrations: async () => migrations };
  const { error } = await new Migrator({ db, provider }).migrateToLatest();
  if (error === undefined) return db;
  await db.destroy();
  throw new RegistryError("REGISTRY_DATABASE_FAILED", `the database's schema could not be made: ${reasonOf(error)}`, {
    cause: error,
  });
}

const openSqlite = async (dataDir: string) =>
  sqliteDialect(await Store.open({ file: join(dataDir, "catalogue.sqlite"), migrations: [] }));

function openPostgres(connectionString: string): PostgresDialect {
  const pool = new pg.Pool({
    connectionString,
    max: POOL_SIZE,
    connectionTimeoutMillis: 10_000,
    // Counters and sizes stay far below 2^53; without this they would come as text.
    types: { getTypeParser: (oid, format) => (oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format)) },
  });
  // A connection that breaks while idle is replaced by the pool; without a listener it would end the process.
  pool.on("error", () => undefined);
  return new PostgresDialect({ pool });
}

/** The system's words without what could name hosts or passwords. */
function reasonOf(error: unknown): string {
  const { code, message } = error as { code?: string; message?: string };
  return code === undefined ? (message ?? "unknown error") : `${code}`;
}
