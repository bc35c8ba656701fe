import { quote } from "@berth/base";
import type { PluginCard, PluginDetail, PluginIndex, ReleaseIndex } from "@berth/spec";
import type { Kysely } from "kysely";
import { compare } from "semver";

import type { Tables } from "../database/tables.ts";
import { RegistryError } from "../errors.ts";
import { readKeys } from "./publishers.ts";

/** The part of an index entry that never changes, as `releases.entry` keeps it. */
export type ReleaseEntry = Omit<ReleaseIndex, "yanked" | "deprecated">;

/** The part of a card and detail that comes from a release's manifest, as `releases.card` keeps it. */
export type ReleaseCard = Omit<PluginCard, "downloads" | "deprecated"> & Pick<PluginDetail, "homepage" | "repository">;

const unknownPlugin = (id: string): RegistryError =>
  new RegistryError("REGISTRY_PLUGIN_UNKNOWN", `there is no plugin ${quote(id)} here`);

const parse = <T>(text: string): T => JSON.parse(text) as T;

const newestFirst = (a: { version: string }, b: { version: string }): number => compare(b.version, a.version);

async function readPlugin(db: Kysely<Tables>, id: string) {
  const row = await db.selectFrom("plugins").selectAll().where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw unknownPlugin(id);
  return row;
}

/** What `index/plugins/PUBLISHER/NAME.json` holds. @throws RegistryError REGISTRY_PLUGIN_UNKNOWN */
export async function readPluginIndex(db: Kysely<Tables>, id: string): Promise<PluginIndex> {
  const plugin = await readPlugin(db, id);
  const rows = await db
    .selectFrom("releases")
    .select(["version", "entry", "yanked", "deprecated"])
    .where("plugin", "=", id)
    .execute();
  const releases = rows.toSorted(newestFirst).map(({ entry, yanked, deprecated }): ReleaseIndex => ({
    ...parse<ReleaseEntry>(entry),
    ...(yanked !== null && { yanked: parse<ReleaseIndex["yanked"]>(yanked) }),
    ...(deprecated !== null && { deprecated: parse<ReleaseIndex["deprecated"]>(deprecated) }),
  }));
  return {
    format: 1,
    id,
    revision: plugin.revision,
    updatedAt: plugin.updated_at,
    publisher: { name: plugin.publisher, keys: await readKeys(db, plugin.publisher) },
    ...(plugin.deprecated !== null && { deprecated: parse<PluginIndex["deprecated"]>(plugin.deprecated) }),
    releases,
  };
}

/** What `GET api/v1/plugins/ID` answers. @throws RegistryError REGISTRY_PLUGIN_UNKNOWN */
export async function readPluginDetail(db: Kysely<Tables>, id: string): Promise<PluginDetail> {
  const plugin = await readPlugin(db, id);
  const versions = await db.selectFrom("releases").select("version").where("plugin", "=", id).execute();
  const release = await db
    .selectFrom("releases")
    .select(["card", "readme_digest", "icon_digest"])
    .where("plugin", "=", id)
    .where("version", "=", plugin.shown)
    .executeTakeFirstOrThrow();
  return {
    ...parse<ReleaseCard>(release.card),
    downloads: plugin.downloads,
    ...(plugin.deprecated !== null && { deprecated: parse<PluginDetail["deprecated"]>(plugin.deprecated) }),
    readme: release.readme_digest !== null,
    icon: release.icon_digest !== null,
    publisher: { name: plugin.publisher, keys: await readKeys(db, plugin.publisher) },
    versions: versions.toSorted(newestFirst).map(({ version }) => version),
  };
}

/** One release's row. @throws RegistryError REGISTRY_PLUGIN_UNKNOWN, REGISTRY_RELEASE_UNKNOWN */
export async function readRelease(db: Kysely<Tables>, id: string, version: string) {
  const row = await db
    .selectFrom("releases")
    .selectAll()
    .where("plugin", "=", id)
    .where("version", "=", version)
    .executeTakeFirst();
  if (row !== undefined) return row;
  await readPlugin(db, id);
  throw new RegistryError("REGISTRY_RELEASE_UNKNOWN", `${id} has no release ${quote(version)} here`);
}

/** The release that lists show. @throws RegistryError REGISTRY_PLUGIN_UNKNOWN */
export async function readShownRelease(db: Kysely<Tables>, id: string) {
  const { shown } = await readPlugin(db, id);
  return readRelease(db, id, shown);
}

/** Ids of all plugins of a publisher. */
export async function pluginsOf(db: Kysely<Tables>, publisher: string): Promise<string[]> {
  const rows = await db.selectFrom("plugins").select("id").where("publisher", "=", publisher).execute();
  return rows.map(({ id }) => id);
}
