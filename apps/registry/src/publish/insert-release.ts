import { quote } from "@berth/base";
import type { Manifest, Published } from "@berth/spec";
import { MAX_RELEASES, parseManifest } from "@berth/spec";

import type { ReleaseCard, ReleaseEntry } from "../catalogue/documents.ts";
import { skeletonOf } from "../catalogue/look-alike.ts";
import { touchPlugin } from "../catalogue/shown-version.ts";
import type { CatalogueWrite } from "../catalogue/write.ts";
import { RegistryError } from "../errors.ts";
import type { Inspection } from "./inspection.ts";

/** What became of a publish: `isNew` is false when the very same file was there already. */
export interface PublishOutcome {
  readonly published: Published;
  readonly isNew: boolean;
}

export interface NewRelease {
  readonly publisher: string;
  readonly name: string;
  readonly version: string;
  readonly inspection: Inspection;
  readonly shown: { readme_digest: string | null; icon_digest: string | null; icon_type: string | null };
}

/**
 * Makes an inspected release part of the catalogue.
 *
 * @throws RegistryError REGISTRY_RELEASE_EXISTS, REGISTRY_KEY_NOT_ENROLLED, REGISTRY_NAME_RESEMBLES,
 *   REGISTRY_TOO_MANY_RELEASES
 */
export async function insertRelease(write: CatalogueWrite, release: NewRelease): Promise<PublishOutcome> {
  const { db, at, record } = write;
  const { publisher, name, version, inspection, shown } = release;
  const id = `${publisher}.${name}`;
  const { contentDigest, fileDigest, fileSize, keyId } = inspection;
  const before = await db
    .selectFrom("releases")
    .select(["content_digest", "file_digest", "published_at", "sequence"])
    .where("plugin", "=", id)
    .where("version", "=", version)
    .executeTakeFirst();
  if (before !== undefined) {
    if (before.file_digest !== fileDigest)
      throw new RegistryError(
        "REGISTRY_RELEASE_EXISTS",
        `${id} ${version} was published at ${before.published_at} with other content (${before.content_digest}); found ${contentDigest}`,
      );
    const { published_at: publishedAt, sequence } = before;
    return { isNew: false, published: { id, version, contentDigest, fileDigest, fileSize, publishedAt, sequence } };
  }
  await verifyKeyStillActive(write, publisher, keyId);
  await upsertPlugin(write, release);
  const sequence = await record({ kind: "publish", publisher, plugin: id, version });
  const manifest = parseManifest(Buffer.from(inspection.manifest, "utf8"));
  await db
    .insertInto("releases")
    .values({
      plugin: id,
      version,
      sequence,
      published_at: at,
      content_digest: contentDigest,
      file_digest: fileDigest,
      file_size: fileSize,
      key_id: keyId,
      entry: JSON.stringify(entryOf(manifest, inspection, at)),
      card: JSON.stringify(cardOf(manifest, inspection, at)),
      ...shown,
      yanked: null,
      deprecated: null,
      manifest: inspection.manifest,
    })
    .execute();
  await touchPlugin(write, id);
  return { isNew: true, published: { id, version, contentDigest, fileDigest, fileSize, publishedAt: at, sequence } };
}

/** Between the inspection and this transaction the key may have been retired. */
async function verifyKeyStillActive({ db }: CatalogueWrite, publisher: string, keyId: string): Promise<void> {
  const key = await db
    .selectFrom("publisher_keys")
    .select("retired_at")
    .where("publisher", "=", publisher)
    .where("key_id", "=", keyId)
    .executeTakeFirst();
  if (key?.retired_at !== null)
    throw new RegistryError("REGISTRY_KEY_NOT_ENROLLED", `${keyId} is no active key of ${publisher} any more`);
}

async function upsertPlugin({ db, at }: CatalogueWrite, { publisher, name, version }: NewRelease): Promise<void> {
  const id = `${publisher}.${name}`;
  const { count } = await db
    .selectFrom("releases")
    .select(({ fn }) => fn.countAll<number>().as("count"))
    .where("plugin", "=", id)
    .executeTakeFirstOrThrow();
  if (count >= MAX_RELEASES)
    throw new RegistryError(
      "REGISTRY_TOO_MANY_RELEASES",
      `${id} has ${count} releases, at most ${MAX_RELEASES} are kept`,
    );
  if (count > 0) return;
  const skeleton = skeletonOf(name);
  const near = await db
    .selectFrom("plugins")
    .select("id")
    .where("publisher", "=", publisher)
    .where("skeleton", "=", skeleton)
    .executeTakeFirst();
  if (near !== undefined)
    throw new RegistryError(
      "REGISTRY_NAME_RESEMBLES",
      `the id ${quote(id)} looks like ${quote(near.id)}, which exists`,
    );
  await db
    .insertInto("plugins")
    .values({
      id,
      publisher,
      skeleton,
      revision: 0,
      created_at: at,
      updated_at: at,
      downloads: 0,
      shown: version,
      deprecated: null,
    })
    .execute();
}

function entryOf(manifest: Manifest, inspection: Inspection, publishedAt: string): ReleaseEntry {
  const { contentDigest, fileDigest, fileSize, keyId, scan } = inspection;
  const { version, api, level, dependencies, optionalDependencies, conflicts } = manifest;
  return {
    version,
    contentDigest,
    fileDigest,
    fileSize,
    keyId,
    publishedAt,
    api,
    level,
    dependencies,
    optionalDependencies,
    conflicts,
    permissions: [...new Set(manifest.permissions.map(({ name }) => name))],
    scan: { score: scan.score, verdict: scan.verdict },
  };
}

function cardOf(manifest: Manifest, { scan }: Inspection, publishedAt: string): ReleaseCard {
  const {
    id,
    displayName,
    description,
    version,
    level,
    license,
    categories,
    tags,
    capabilities,
    homepage,
    repository,
  } = manifest;
  const { model, price } = manifest.pricing;
  return {
    id,
    displayName,
    description,
    version,
    publishedAt,
    level,
    license,
    categories,
    tags,
    capabilities,
    permissions: [...new Set(manifest.permissions.map(({ name }) => name))],
    pricing: { model, ...(price !== undefined && { price }) },
    scan: { score: scan.score, verdict: scan.verdict },
    ...(homepage !== undefined && { homepage }),
    ...(repository !== undefined && { repository }),
  };
}
