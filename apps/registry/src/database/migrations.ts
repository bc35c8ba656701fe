import { sql } from "kysely";
import type { Kysely } from "kysely";
import type { Migration } from "kysely/migration";

/** Every step of the schema since the beginning, for both databases; never change one that was released. */
export const migrations: Readonly<Record<string, Migration>> = {
  "0001-catalogue": { up: createCatalogue },
};

async function createCatalogue(db: Kysely<unknown>): Promise<void> {
  const { schema } = db;
  await schema
    .createTable("counters")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("value", "bigint", (column) => column.notNull())
    .execute();
  await sql`INSERT INTO counters (name, value) VALUES ('sequence', 0)`.execute(db);
  await schema
    .createTable("publishers")
    .addColumn("name", "text", (column) => column.primaryKey())
    .addColumn("skeleton", "text", (column) => column.notNull().unique())
    .addColumn("created_at", "text", (column) => column.notNull())
    .execute();
  await schema
    .createTable("publisher_deletions")
    .addColumn("deletion", "text", (column) => column.notNull())
    .addColumn("publisher", "text", (column) => column.notNull().references("publishers.name"))
    .addPrimaryKeyConstraint("publisher_deletions_key", ["deletion", "publisher"])
    .execute();
  await schema
    .createTable("publisher_keys")
    .addColumn("publisher", "text", (column) => column.notNull().references("publishers.name"))
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("public_key", "text", (column) => column.notNull())
    .addColumn("added_at", "text", (column) => column.notNull())
    .addColumn("retired_at", "text")
    .addPrimaryKeyConstraint("publisher_keys_key", ["publisher", "key_id"])
    .execute();
  await schema
    .createTable("plugins")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("publisher", "text", (column) => column.notNull().references("publishers.name"))
    .addColumn("skeleton", "text", (column) => column.notNull())
    .addColumn("revision", "bigint", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("updated_at", "text", (column) => column.notNull())
    .addColumn("downloads", "bigint", (column) => column.notNull().defaultTo(0))
    .addColumn("shown", "text", (column) => column.notNull())
    .addColumn("deprecated", "text")
    .addUniqueConstraint("plugins_skeleton", ["publisher", "skeleton"])
    .execute();
  await schema
    .createTable("releases")
    .addColumn("plugin", "text", (column) => column.notNull().references("plugins.id"))
    .addColumn("version", "text", (column) => column.notNull())
    .addColumn("sequence", "bigint", (column) => column.notNull().unique())
    .addColumn("published_at", "text", (column) => column.notNull())
    .addColumn("content_digest", "text", (column) => column.notNull())
    .addColumn("file_digest", "text", (column) => column.notNull())
    .addColumn("file_size", "bigint", (column) => column.notNull())
    .addColumn("key_id", "text", (column) => column.notNull())
    .addColumn("entry", "text", (column) => column.notNull())
    .addColumn("card", "text", (column) => column.notNull())
    .addColumn("readme_digest", "text")
    .addColumn("icon_digest", "text")
    .addColumn("icon_type", "text")
    .addColumn("yanked", "text")
    .addColumn("deprecated", "text")
    .addColumn("manifest", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("releases_key", ["plugin", "version"])
    .execute();
  await schema
    .createTable("changes")
    .addColumn("sequence", "bigint", (column) => column.primaryKey())
    .addColumn("at", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("publisher", "text", (column) => column.notNull())
    .addColumn("plugin", "text")
    .addColumn("version", "text")
    .execute();
  await schema
    .createTable("tokens")
    .addColumn("id", "text", (column) => column.primaryKey())
    .addColumn("hash", "text", (column) => column.notNull().unique())
    .addColumn("publisher", "text", (column) => column.references("publishers.name"))
    .addColumn("scopes", "text", (column) => column.notNull())
    .addColumn("plugins", "text")
    .addColumn("label", "text", (column) => column.notNull())
    .addColumn("created_at", "text", (column) => column.notNull())
    .addColumn("expires_at", "text", (column) => column.notNull())
    .execute();
  await schema
    .createTable("download_days")
    .addColumn("plugin", "text", (column) => column.notNull())
    .addColumn("version", "text", (column) => column.notNull())
    .addColumn("day", "text", (column) => column.notNull())
    .addColumn("count", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("download_days_key", ["plugin", "version", "day"])
    .execute();
}
