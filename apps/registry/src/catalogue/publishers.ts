import { quote } from "@berth/base";
import type { PublisherKey } from "@berth/spec";
import type { PublicKeyRecord } from "@berth/trust";
import type { Kysely } from "kysely";

import type { Tables } from "../database/tables.ts";
import { RegistryError } from "../errors.ts";
import { deletionsOf, isOneLetterOff, skeletonOf } from "./look-alike.ts";
import type { CatalogueWrite } from "./write.ts";

const MAX_KEYS = 64;

/** @throws RegistryError REGISTRY_PUBLISHER_UNKNOWN */
export async function readPublisher(
  db: Kysely<Tables>,
  name: string,
): Promise<{ name: string; createdAt: string; keys: PublisherKey[] }> {
  const row = await db.selectFrom("publishers").selectAll().where("name", "=", name).executeTakeFirst();
  if (row === undefined)
    throw new RegistryError("REGISTRY_PUBLISHER_UNKNOWN", `there is no publisher ${quote(name)} here`);
  return { name, createdAt: row.created_at, keys: await readKeys(db, name) };
}

/** All keys of a publisher, oldest first; retired ones too, because they vouch for what was published before. */
export async function readKeys(db: Kysely<Tables>, publisher: string): Promise<PublisherKey[]> {
  const rows = await db
    .selectFrom("publisher_keys")
    .selectAll()
    .where("publisher", "=", publisher)
    .orderBy("added_at")
    .orderBy("key_id")
    .execute();
  return rows.map(({ key_id, public_key, added_at, retired_at }) => ({
    keyId: key_id,
    algorithm: "ed25519",
    publicKey: public_key,
    addedAt: added_at,
    ...(retired_at !== null && { retiredAt: retired_at }),
  }));
}

/**
 * Binds a name to its first key. Names that look the same are refused to everybody; a name that is one
 * letter off is allowed to the operator, who can tell a typing trap from a namesake.
 *
 * @throws RegistryError REGISTRY_PUBLISHER_EXISTS, REGISTRY_NAME_RESEMBLES
 */
export async function createPublisher(
  { db, at, record }: CatalogueWrite,
  { name, key, isByOperator }: { name: string; key: PublicKeyRecord; isByOperator: boolean },
): Promise<void> {
  const skeleton = skeletonOf(name);
  const deletions = deletionsOf(skeleton);
  const near = await db
    .selectFrom("publisher_deletions")
    .innerJoin("publishers", "publishers.name", "publisher_deletions.publisher")
    .select(["publishers.name", "publishers.skeleton"])
    .distinct()
    .where("deletion", "in", deletions)
    .execute();
  for (const known of near) {
    if (known.name === name)
      throw new RegistryError("REGISTRY_PUBLISHER_EXISTS", `there is a publisher ${quote(name)} already`);
    const looksSame = known.skeleton === skeleton;
    if (looksSame || (!isByOperator && isOneLetterOff(known.skeleton, skeleton))) {
      throw new RegistryError(
        "REGISTRY_NAME_RESEMBLES",
        `the name ${quote(name)} ${looksSame ? "looks like" : "is one letter off"} ${quote(known.name)}, which exists`,
      );
    }
  }
  await db.insertInto("publishers").values({ name, skeleton, created_at: at }).execute();
  await db
    .insertInto("publisher_deletions")
    .values(deletions.map((deletion) => ({ deletion, publisher: name })))
    .execute();
  await insertKey(db, name, key, at);
  await record({ kind: "publisher", publisher: name });
}

const insertKey = (db: Kysely<Tables>, publisher: string, key: PublicKeyRecord, at: string) =>
  db
    .insertInto("publisher_keys")
    .values({ publisher, key_id: key.keyId, public_key: key.publicKey, added_at: at, retired_at: null })
    .execute();

/** @throws RegistryError REGISTRY_KEY_EXISTS, REGISTRY_TOO_MANY_KEYS */
export async function enrolKey(write: CatalogueWrite, publisher: string, key: PublicKeyRecord): Promise<void> {
  const keys = await readKeys(write.db, publisher);
  if (keys.some(({ keyId }) => keyId === key.keyId))
    throw new RegistryError("REGISTRY_KEY_EXISTS", `${publisher} has the key ${key.keyId} already`);
  if (keys.length >= MAX_KEYS)
    throw new RegistryError(
      "REGISTRY_TOO_MANY_KEYS",
      `${publisher} has ${keys.length} keys, at most ${MAX_KEYS} are kept`,
    );
  await insertKey(write.db, publisher, key, write.at);
  await touchPlugins(write, publisher);
  await write.record({ kind: "key", publisher });
}

/** @throws RegistryError REGISTRY_KEY_UNKNOWN, REGISTRY_LAST_KEY */
export async function retireKey(write: CatalogueWrite, publisher: string, keyId: string): Promise<void> {
  const active = (await readKeys(write.db, publisher)).filter(({ retiredAt }) => retiredAt === undefined);
  if (!active.some((key) => key.keyId === keyId))
    throw new RegistryError("REGISTRY_KEY_UNKNOWN", `${publisher} has no active key ${quote(keyId)}`);
  if (active.length === 1)
    throw new RegistryError("REGISTRY_LAST_KEY", `${keyId} is the only active key of ${publisher}`);
  await write.db
    .updateTable("publisher_keys")
    .set({ retired_at: write.at })
    .where("publisher", "=", publisher)
    .where("key_id", "=", keyId)
    .execute();
  await touchPlugins(write, publisher);
  await write.record({ kind: "key", publisher });
}

/** Keys stand in every index file of their publisher, so all of them change. */
const touchPlugins = ({ db, at }: CatalogueWrite, publisher: string) =>
  db
    .updateTable("plugins")
    .set((expression) => ({ revision: expression("revision", "+", 1), updated_at: at }))
    .where("publisher", "=", publisher)
    .execute();
