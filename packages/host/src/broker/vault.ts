import { quote } from "@berth/base";
import type { Row, Statement, Store } from "@berth/store";

import { HostError } from "../errors.ts";
import { journalStatement } from "../journal.ts";
import { vaultKeyIdOf } from "./node-vault-key.ts";
import type { VaultKeyFiles } from "./node-vault-key.ts";
import { seal, unseal } from "./sealed-secret.ts";

const MAX_SECRET_BYTES = 65_536;
const ROW_OF = "SELECT version, nonce, sealed, domain FROM secrets WHERE plugin_id = ? AND name = ?";

/** A secret as it may be told: never its value. */
export interface SecretSummary {
  readonly name: string;
  /** Grows with each new value. */
  readonly version: number;
  /** ISO instant. */
  readonly setAt: string;
}

/** What became of the key of secrets and settings. */
export interface SecretsRotation {
  /** Values that were sealed anew: secrets, and settings of plugins, one for each plugin. */
  readonly resealed: number;
  /** Whether another operator's key opens them from now on. */
  readonly hasNewOperatorKey: boolean;
  /**
   * Whether the old key and what it sealed are off the disk. Else a file could not be renamed or cut: the new key
   * holds, and another rotation clears the rest away.
   */
  readonly isOldGone: boolean;
}

/** What a vault works on. */
export interface VaultParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly keys: VaultKeyFiles;
  /** Whom a plugin comes from; `""`: nobody in particular. */
  readonly domainOf: (pluginId: string) => string;
}

/**
 * Secrets and settings of plugins, sealed with AES-256-GCM. Trust domain, plugin, name and version are authenticated
 * with each, so that a row copied to another place in the database does not open there, and what was filled in for a
 * plugin from one registry is not opened for one of the same name from another.
 */
export class Vault {
  readonly #parts: VaultParts;
  #key: Promise<Uint8Array> | undefined;
  #rotation: Promise<unknown> = Promise.resolve();
  #rotations = 0;

  constructor(parts: VaultParts) {
    this.#parts = parts;
  }

  /**
   * `also`: what is written in the same step.
   *
   * @throws HostError HOST_SECRET_INVALID, HOST_VAULT_CLOSED
   */
  async set(pluginId: string, name: string, value: string, also: readonly Statement[] = []): Promise<SecretSummary> {
    const { store, now, domainOf } = this.#parts;
    const bytes = Buffer.from(value, "utf8");
    if (bytes.length === 0 || bytes.length > MAX_SECRET_BYTES) {
      throw new HostError(
        "HOST_SECRET_INVALID",
        `the value of ${quote(name)} has ${bytes.length} bytes, expected 1 to ${MAX_SECRET_BYTES}`,
      );
    }
    const [row] = await store.all("SELECT version FROM secrets WHERE plugin_id = ? AND name = ?", [pluginId, name]);
    const version = Number(row?.["version"] ?? 0) + 1;
    const domain = domainOf(pluginId);
    const { nonce, sealed } = seal(await this.#dataKey(), { domain, pluginId, name, version }, bytes);
    const setAt = now().toISOString();
    await store.transaction([
      {
        sql: `INSERT OR REPLACE INTO secrets (plugin_id, name, version, nonce, sealed, set_at, domain)
              VALUES (?, ?, ?, ?, ?, ?, ?)`,
        params: [pluginId, name, version, nonce, sealed, setAt, domain],
      },
      ...also,
    ]);
    return { name, version, setAt };
  }

  /** @throws HostError BROKER_SECRET_MISSING, HOST_VAULT_CLOSED */
  async reveal(pluginId: string, name: string): Promise<string> {
    const value = await this.find(pluginId, name);
    if (value === undefined)
      throw new HostError(
        "BROKER_SECRET_MISSING",
        `the operator has not filled in the secret ${quote(name)} of ${pluginId}`,
      );
    return value;
  }

  /** @throws HostError HOST_VAULT_CLOSED */
  async find(pluginId: string, name: string): Promise<string | undefined> {
    for (;;) {
      await this.#rotation;
      const before = this.#rotations;
      const [row] = await this.#parts.store.all(ROW_OF, [pluginId, name]);
      if (row === undefined) return undefined;
      try {
        return await this.#open(pluginId, name, row);
      } catch (error) {
        // A row of before the rotation that has begun since, or the other way about: read both again.
        if (before === this.#rotations) throw error;
      }
    }
  }

  /** `also`: what is written in the same step. */
  async remove(pluginId: string, name: string, also: readonly Statement[] = []): Promise<boolean> {
    const [result] = await this.#parts.store.transaction([
      { sql: "DELETE FROM secrets WHERE plugin_id = ? AND name = ?", params: [pluginId, name] },
      ...also,
    ]);
    return result?.changes === 1;
  }

  async list(pluginId: string): Promise<SecretSummary[]> {
    const sql = "SELECT name, version, set_at FROM secrets WHERE plugin_id = ? ORDER BY name";
    const rows = await this.#parts.store.all(sql, [pluginId]);
    return rows.map((row) => ({
      name: String(row["name"]),
      version: Number(row["version"]),
      setAt: String(row["set_at"]),
    }));
  }

  /**
   * Seals everything anew with a new key, which `operatorKey` wraps from now on if given. Nothing else may be written
   * meanwhile; whoever reads waits. Killed at any moment, it has happened or it has not.
   *
   * @throws HostError HOST_VAULT_CLOSED when a value does not open, HOST_OPERATOR_KEY_INVALID; StoreError
   */
  async rotate(operatorKey: string | undefined): Promise<SecretsRotation> {
    const done = this.#rotate(operatorKey);
    this.#rotation = done.catch(() => undefined); // Whoever asked for it hears of it.
    return done;
  }

  async #rotate(operatorKey: string | undefined): Promise<SecretsRotation> {
    const { store, keys, now, domainOf } = this.#parts;
    const old = await this.#dataKey();
    const key = await keys.begin(old, operatorKey);
    const rows = await store.all("SELECT plugin_id, name, version, nonce, sealed, domain FROM secrets");
    const resealed = rows.map((row): Statement => {
      const context = contextOf(String(row["plugin_id"]), String(row["name"]), row);
      const { pluginId, name, version, domain = domainOf(pluginId) } = context;
      const fresh = seal(key, { ...context, domain }, unsealRow(old, context, row));
      return {
        sql: "UPDATE secrets SET nonce = ?, sealed = ?, domain = ? WHERE plugin_id = ? AND name = ? AND version = ?",
        params: [fresh.nonce, fresh.sealed, domain, pluginId, name, version],
        expectChanges: 1,
      };
    });
    const detail = operatorKey === undefined ? "a new key" : "a new key, for another operator's key";
    this.#rotations += 1;
    await store.transaction([
      ...resealed,
      keyIdStatement(key),
      journalStatement(
        { kind: "secret", pluginId: "host", subject: "rotate", outcome: "ok", detail },
        now().toISOString(),
      ),
    ]);
    this.#key = Promise.resolve(key);
    // It has happened: what cannot be cleared away now is told, since an error would say that it had not.
    const isOldGone = [await this.#settleKey(key), await this.#cutLog()].every(Boolean);
    return { resealed: resealed.length, hasNewOperatorKey: operatorKey !== undefined, isOldGone };
  }

  /** The new key's file takes the place of the old one's. */
  #settleKey(key: Uint8Array): Promise<boolean> {
    const settled = this.#parts.keys.open(vaultKeyIdOf(key), true);
    return settled.then(
      () => true,
      () => false,
    );
  }

  /** What was sealed with the old key was overwritten; the copies of it in the write-ahead log go too. */
  #cutLog(): Promise<boolean> {
    return this.#parts.store.all("PRAGMA wal_checkpoint(TRUNCATE)").then(
      ([checkpoint]) => checkpoint?.["busy"] === 0,
      () => false,
    );
  }

  async #open(pluginId: string, name: string, row: Row): Promise<string> {
    const context = contextOf(pluginId, name, row);
    const key = await this.#dataKey();
    const plain = unsealRow(key, context, row);
    const domain = this.#parts.domainOf(pluginId);
    if (context.domain === domain) return plain.toString("utf8");
    // What was filled in for nobody in particular becomes the first trust domain's that the plugin belongs to.
    if (context.domain !== undefined && context.domain !== "")
      throw new HostError(
        "HOST_VAULT_CLOSED",
        `${quote(name)} of ${pluginId} was filled in for a plugin of ${quote(context.domain)}, which this one is not`,
        { hint: "Fill it in again, if this plugin is to have it." },
      );
    const fresh = seal(key, { ...context, domain }, plain);
    await this.#parts.store
      .transaction([
        {
          // Not if it was set or rotated meanwhile.
          sql: "UPDATE secrets SET nonce = ?, sealed = ?, domain = ? WHERE plugin_id = ? AND name = ? AND nonce = ?",
          params: [fresh.nonce, fresh.sealed, domain, pluginId, name, row["nonce"] as Uint8Array],
        },
      ])
      .catch(() => undefined); // A full disk: it opens as it is, and is bound at another look.
    return plain.toString("utf8");
  }

  async #dataKey(): Promise<Uint8Array> {
    this.#key ??= this.#openKey();
    try {
      return await this.#key;
    } catch (error) {
      this.#key = undefined; // What is missing may be there the next time.
      throw error;
    }
  }

  async #openKey(): Promise<Uint8Array> {
    const { store, keys } = this.#parts;
    const [known] = await store.all(
      "SELECT (SELECT key_id FROM vault) AS key_id, EXISTS (SELECT 1 FROM secrets) AS is_used",
    );
    const id = known?.["key_id"];
    const key = await keys.open(typeof id === "string" ? id : undefined, known?.["is_used"] === 1);
    if (id !== vaultKeyIdOf(key)) await store.transaction([keyIdStatement(key)]);
    return key;
  }
}

const keyIdStatement = (key: Uint8Array): Statement => ({
  sql: "INSERT OR REPLACE INTO vault (id, key_id) VALUES (1, ?)",
  params: [vaultKeyIdOf(key)],
});

const contextOf = (pluginId: string, name: string, row: Row) => ({
  pluginId,
  name,
  version: Number(row["version"]),
  domain: row["domain"] === null ? undefined : String(row["domain"]),
});

/** @throws HostError HOST_VAULT_CLOSED */
function unsealRow(key: Uint8Array, context: ReturnType<typeof contextOf>, row: Row): Buffer {
  try {
    return unseal(key, context, { nonce: row["nonce"] as Uint8Array, sealed: row["sealed"] as Uint8Array });
  } catch {
    throw new HostError(
      "HOST_VAULT_CLOSED",
      `the secret ${quote(context.name)} of ${context.pluginId} does not open: it was changed, or sealed with another key`,
    );
  }
}
