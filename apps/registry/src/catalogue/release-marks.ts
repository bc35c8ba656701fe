import { quote } from "@berth/base";
import { publisherOf } from "@berth/spec";

import { RegistryError } from "../errors.ts";
import { readRelease } from "./documents.ts";
import { touchPlugin } from "./shown-version.ts";
import type { CatalogueWrite } from "./write.ts";

/** What may be said of a release or plugin after it was published; nothing else ever changes. */

/** @throws RegistryError REGISTRY_PLUGIN_UNKNOWN, REGISTRY_RELEASE_UNKNOWN */
export async function yank(write: CatalogueWrite, id: string, version: string, reason: string): Promise<void> {
  await readRelease(write.db, id, version);
  const yanked = JSON.stringify({ reason, at: write.at });
  await write.db
    .updateTable("releases")
    .set({ yanked })
    .where("plugin", "=", id)
    .where("version", "=", version)
    .execute();
  await touch(write, "yank", id, version);
}

/** @throws RegistryError REGISTRY_PLUGIN_UNKNOWN, REGISTRY_RELEASE_UNKNOWN */
export async function unyank(write: CatalogueWrite, id: string, version: string): Promise<void> {
  const { yanked } = await readRelease(write.db, id, version);
  if (yanked === null) return;
  await write.db
    .updateTable("releases")
    .set({ yanked: null })
    .where("plugin", "=", id)
    .where("version", "=", version)
    .execute();
  await touch(write, "unyank", id, version);
}

/** Advice to use something else; without a version it is about the whole plugin. */
export interface Advice {
  readonly message: string;
  readonly replacement?: string | undefined;
}

/** @throws RegistryError REGISTRY_PLUGIN_UNKNOWN, REGISTRY_RELEASE_UNKNOWN */
export async function deprecate(
  write: CatalogueWrite,
  id: string,
  version: string | undefined,
  { message, replacement }: Advice,
): Promise<void> {
  if (replacement !== undefined) await verifyPlugin(write, replacement);
  await setDeprecation(write, id, version, JSON.stringify({ message, replacement, at: write.at }));
  await touch(write, "deprecate", id, version);
}

/** @throws RegistryError REGISTRY_PLUGIN_UNKNOWN, REGISTRY_RELEASE_UNKNOWN */
export async function undeprecate(write: CatalogueWrite, id: string, version: string | undefined): Promise<void> {
  await setDeprecation(write, id, version, null);
  await touch(write, "undeprecate", id, version);
}

async function setDeprecation(
  { db, ...write }: CatalogueWrite,
  id: string,
  version: string | undefined,
  deprecated: string | null,
): Promise<void> {
  if (version === undefined) {
    await verifyPlugin({ db, ...write }, id);
    await db.updateTable("plugins").set({ deprecated }).where("id", "=", id).execute();
    return;
  }
  await readRelease(db, id, version);
  await db
    .updateTable("releases")
    .set({ deprecated })
    .where("plugin", "=", id)
    .where("version", "=", version)
    .execute();
}

async function verifyPlugin({ db }: CatalogueWrite, id: string): Promise<void> {
  const row = await db.selectFrom("plugins").select("id").where("id", "=", id).executeTakeFirst();
  if (row === undefined) throw new RegistryError("REGISTRY_PLUGIN_UNKNOWN", `there is no plugin ${quote(id)} here`);
}

async function touch(
  write: CatalogueWrite,
  kind: "yank" | "unyank" | "deprecate" | "undeprecate",
  plugin: string,
  version: string | undefined,
): Promise<void> {
  await touchPlugin(write, plugin);
  await write.record({ kind, publisher: publisherOf(plugin), plugin, ...(version !== undefined && { version }) });
}
