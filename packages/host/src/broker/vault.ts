import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

import { quote } from "@berth/base";
import type { Row, Store } from "@berth/store";

import { HostError } from "../errors.ts";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const MAX_SECRET_BYTES = 65_536;

/** A secret as it may be told: never its value. */
export interface SecretSummary {
  readonly name: string;
  /** Grows with each new value. */
  readonly version: number;
  /** ISO instant. */
  readonly setAt: string;
}

/**
 * Secrets and settings of plugins, sealed with AES-256-GCM. Plugin, name and version are authenticated with each,
 * so that a row copied to another place in the database does not open there.
 */
export class Vault {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #openKey: () => Promise<Uint8Array>;
  #key: Promise<Uint8Array> | undefined;

  /** `openKey` gives the 32 bytes of the data key; it is asked when first needed. */
  constructor(store: Store, now: () => Date, openKey: () => Promise<Uint8Array>) {
    this.#store = store;
    this.#now = now;
    this.#openKey = openKey;
  }

  /** @throws HostError HOST_SECRET_INVALID, HOST_VAULT_CLOSED */
  async set(pluginId: string, name: string, value: string): Promise<SecretSummary> {
    const bytes = Buffer.from(value, "utf8");
    if (bytes.length === 0 || bytes.length > MAX_SECRET_BYTES) {
      throw new HostError(
        "HOST_SECRET_INVALID",
        `the value of ${quote(name)} has ${bytes.length} bytes, expected 1 to ${MAX_SECRET_BYTES}`,
      );
    }
    const [row] = await this.#store.all("SELECT version FROM secrets WHERE plugin_id = ? AND name = ?", [
      pluginId,
      name,
    ]);
    const version = Number(row?.["version"] ?? 0) + 1;
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv("aes-256-gcm", await this.#dataKey(), nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(contextOf(pluginId, name, version));
    const sealed = Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
    const setAt = this.#now().toISOString();
    await this.#store.transaction([
      {
        sql: "INSERT OR REPLACE INTO secrets (plugin_id, name, version, nonce, sealed, set_at) VALUES (?, ?, ?, ?, ?, ?)",
        params: [pluginId, name, version, nonce, sealed, setAt],
      },
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
    const [row] = await this.#store.all("SELECT version, nonce, sealed FROM secrets WHERE plugin_id = ? AND name = ?", [
      pluginId,
      name,
    ]);
    return row === undefined ? undefined : this.#open(pluginId, name, row);
  }

  async remove(pluginId: string, name: string): Promise<boolean> {
    const [result] = await this.#store.transaction([
      { sql: "DELETE FROM secrets WHERE plugin_id = ? AND name = ?", params: [pluginId, name] },
    ]);
    return result?.changes === 1;
  }

  async list(pluginId: string): Promise<SecretSummary[]> {
    const rows = await this.#store.all("SELECT name, version, set_at FROM secrets WHERE plugin_id = ? ORDER BY name", [
      pluginId,
    ]);
    return rows.map((row) => ({
      name: String(row["name"]),
      version: Number(row["version"]),
      setAt: String(row["set_at"]),
    }));
  }

  async #open(pluginId: string, name: string, row: Row): Promise<string> {
    const sealed = row["sealed"] as Uint8Array;
    try {
      const key = await this.#dataKey();
      const decipher = createDecipheriv("aes-256-gcm", key, row["nonce"] as Uint8Array, { authTagLength: TAG_BYTES });
      decipher.setAAD(contextOf(pluginId, name, Number(row["version"])));
      decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
      const opened = [decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()];
      return Buffer.concat(opened).toString("utf8");
    } catch (error) {
      if (error instanceof HostError) throw error;
      throw new HostError(
        "HOST_VAULT_CLOSED",
        `the secret ${quote(name)} of ${pluginId} does not open: it was changed, or sealed with another key`,
      );
    }
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
}

/** What a sealed value is bound to. JSON, so that no two contexts have the same text. */
const contextOf = (pluginId: string, name: string, version: number): Uint8Array =>
  Buffer.from(JSON.stringify(["berth-secret-1", pluginId, name, version]));
