import type { Statement, Store } from "@berth/store";
import type { PublicKeyRecord, TrustedKey } from "@berth/trust";

import { journalStatement } from "../journal.ts";

/** Which keys the host trusts, and for which publisher. */
export class KeyRing {
  readonly #store: Store;
  readonly #now: () => Date;

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  async list(): Promise<TrustedKey[]> {
    const rows = await this.#store.all("SELECT * FROM trusted_keys ORDER BY publisher, added_at");
    return rows.map((row) => ({
      publisher: String(row["publisher"]),
      keyId: String(row["key_id"]),
      algorithm: "ed25519",
      publicKey: String(row["public_key"]),
      addedAt: String(row["added_at"]),
      how: row["how"] === "told" ? "told" : "first-use",
    }));
  }

  async isTrusted(publisher: string, keyId: string): Promise<boolean> {
    return (await this.list()).some((key) => key.publisher === publisher && key.keyId === keyId);
  }

  /** Trusts a key for everything that a publisher signs, because a person said so. */
  async trust(publisher: string, key: PublicKeyRecord): Promise<void> {
    const at = this.#now().toISOString();
    await this.#store.transaction([
      trustStatement(publisher, key, "told", at),
      journalStatement({ kind: "trust", pluginId: publisher, subject: key.keyId, outcome: "ok", detail: "told" }, at),
    ]);
  }
}

/** The statement that pins a key, for a transaction that also does what the key was needed for. */
export function trustStatement(
  publisher: string,
  key: PublicKeyRecord,
  how: "told" | "first-use",
  at: string,
): Statement {
  return {
    sql: "INSERT INTO trusted_keys VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET how = excluded.how",
    params: [publisher, key.keyId, key.algorithm, key.publicKey, at, how],
  };
}
