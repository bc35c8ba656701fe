import type { RegistryMemory, SeenRegistry, SeenRevision } from "@berth/client";
import type { Statement, Store } from "@berth/store";

/**
 * What was seen of one registry, in the host's database. Notes are kept until `flush`, because a sync to
 * disk for each index file would cost more than the reading of it.
 */
export class StoredMemory implements RegistryMemory {
  readonly #store: Store;
  readonly #url: string;
  #registry: SeenRegistry | undefined;
  readonly #revisions = new Map<string, SeenRevision>();
  readonly #notes: Statement[] = [];

  constructor(store: Store, url: string) {
    this.#store = store;
    this.#url = url;
  }

  async registry(): Promise<SeenRegistry | undefined> {
    if (this.#registry !== undefined) return this.#registry;
    const [row] = await this.#store.all("SELECT * FROM registry_promises WHERE url = ?", [this.#url]);
    if (row === undefined) return undefined;
    const { repository, signed_metadata: signed } = row;
    return { repository: typeof repository === "string" ? repository : undefined, signedMetadata: signed === 1 };
  }

  noteRegistry(seen: SeenRegistry): void {
    this.#registry = seen;
    this.#notes.push({
      // Two processes may note at once: a promise of signed metadata is never taken back.
      sql: `INSERT INTO registry_promises (url, repository, signed_metadata) VALUES (?, ?, ?)
        ON CONFLICT DO UPDATE SET repository = excluded.repository,
          signed_metadata = max(signed_metadata, excluded.signed_metadata)`,
      params: [this.#url, seen.repository ?? null, seen.signedMetadata ? 1 : 0],
    });
  }

  async revision(pluginId: string): Promise<SeenRevision | undefined> {
    const noted = this.#revisions.get(pluginId);
    if (noted !== undefined) return noted;
    const [row] = await this.#store.all(
      "SELECT revision, digest FROM registry_revisions WHERE url = ? AND plugin_id = ?",
      [this.#url, pluginId],
    );
    return row && { revision: Number(row["revision"]), digest: String(row["digest"]) };
  }

  noteRevision(pluginId: string, seen: SeenRevision): void {
    this.#revisions.set(pluginId, seen);
    this.#notes.push({
      sql: `INSERT INTO registry_revisions (url, plugin_id, revision, digest) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET revision = excluded.revision, digest = excluded.digest
          WHERE excluded.revision > revision`,
      params: [this.#url, pluginId, seen.revision, seen.digest],
    });
  }

  /** What is to be written. Later calls give later notes only. */
  takeNotes(): Statement[] {
    return this.#notes.splice(0);
  }
}
