import { quote } from "@berth/base";
import { isIdPart } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";

import { HostError } from "../errors.ts";
import { journalStatement } from "../journal.ts";

/** A registry that this host may ask. */
export interface RegistryRecord {
  /** What people call it here. */
  readonly name: string;
  /** What it is: two registries are the same when their addresses are. */
  readonly url: string;
  /** Smaller is asked first. */
  readonly priority: number;
  /** Whether plain http to another machine was allowed explicitly. */
  readonly allowHttp: boolean;
  readonly addedAt: string;
  /** The trust domain it named when it was first asked. */
  readonly repository: string | undefined;
  readonly signedMetadata: boolean;
}

/** To which registry a publisher's name belongs here. Packages of the name come from nowhere else. */
export interface PublisherBinding {
  readonly publisher: string;
  /** The registry's address. */
  readonly url: string;
  readonly boundAt: string;
  /** `first-use`: with the publisher's first install; `told`: somebody said so. */
  readonly how: "told" | "first-use";
}

export interface NewRegistry {
  readonly name: string;
  readonly url: string;
  /** Default: after all others. */
  readonly priority?: number;
  readonly allowHttp?: boolean;
}

/** The registries of a host by priority, and which publisher belongs to which. */
export class RegistryBook {
  readonly #store: Store;
  readonly #now: () => Date;

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** By priority, then by name. */
  async list(): Promise<RegistryRecord[]> {
    const rows = await this.#store.all(
      "SELECT * FROM registries LEFT JOIN registry_promises USING (url) ORDER BY priority, name",
    );
    return rows.map(recordOf);
  }

  /** @throws HostError HOST_REGISTRY_UNKNOWN */
  async get(nameOrUrl: string): Promise<RegistryRecord> {
    const known = await this.list();
    const found = known.find(({ name, url }) => name === nameOrUrl || url === nameOrUrl || url === `${nameOrUrl}/`);
    if (found !== undefined) return found;
    const names = known.map(({ name }) => name).join(", ") || "none";
    throw new HostError("HOST_REGISTRY_UNKNOWN", `there is no registry ${quote(nameOrUrl)}; configured: ${names}`);
  }

  /** @throws ClientError CLIENT_URL_INVALID, CLIENT_URL_INSECURE; HostError HOST_REGISTRY_NAME_INVALID, HOST_REGISTRY_EXISTS */
  async add({ name, url, priority, allowHttp = false }: NewRegistry): Promise<RegistryRecord> {
    const { parseRegistryUrl } = await import("@berth/client");
    const { href } = parseRegistryUrl(url, { allowHttp });
    if (!isIdPart(name))
      throw new HostError("HOST_REGISTRY_NAME_INVALID", `${quote(name)} is not a name for a registry`);
    const known = await this.list();
    const same = known.find((each) => each.name === name || each.url === href);
    if (same !== undefined)
      throw new HostError("HOST_REGISTRY_EXISTS", `there is a registry ${same.name} at ${same.url} already`);
    const last = Math.max(0, ...known.map((each) => each.priority));
    await this.#store.transaction([
      {
        sql: "INSERT INTO registries (name, url, priority, allow_http, added_at) VALUES (?, ?, ?, ?, ?)",
        params: [name, href, priority ?? last + 10, allowHttp ? 1 : 0, this.#now().toISOString()],
      },
    ]);
    return this.get(name);
  }

  /**
   * Removes a registry and what was seen of its index. Publishers stay bound to it: their plugins then come
   * from nowhere until somebody says otherwise. That it once had signed metadata is not forgotten either.
   *
   * @throws HostError HOST_REGISTRY_UNKNOWN
   */
  async remove(nameOrUrl: string): Promise<RegistryRecord> {
    const record = await this.get(nameOrUrl);
    await this.#store.transaction([
      { sql: "DELETE FROM registries WHERE url = ?", params: [record.url] },
      { sql: "DELETE FROM registry_revisions WHERE url = ?", params: [record.url] },
      { sql: "UPDATE registry_promises SET repository = NULL WHERE url = ?", params: [record.url] },
    ]);
    return record;
  }

  /** By publisher. */
  async bindings(): Promise<PublisherBinding[]> {
    const rows = await this.#store.all("SELECT * FROM publisher_registries ORDER BY publisher");
    return rows.map((row) => ({
      publisher: String(row["publisher"]),
      url: String(row["url"]),
      boundAt: String(row["bound_at"]),
      how: row["how"] === "told" ? "told" : "first-use",
    }));
  }

  /** Says to which registry a publisher's name belongs from now on. @throws HostError HOST_REGISTRY_UNKNOWN */
  async bind(publisher: string, nameOrUrl: string): Promise<PublisherBinding> {
    const { url } = await this.get(nameOrUrl);
    const at = this.#now().toISOString();
    await this.#store.transaction([bindStatement(publisher, url, "told", at), bindRecord(publisher, url, "told", at)]);
    return { publisher, url, boundAt: at, how: "told" };
  }
}

/** Binds a publisher as part of a transaction; a binding that is there stays unless somebody told us. */
export function bindStatement(publisher: string, url: string, how: PublisherBinding["how"], at: string): Statement {
  const conflict =
    how === "told" ? "DO UPDATE SET url = excluded.url, bound_at = excluded.bound_at, how = 'told'" : "DO NOTHING";
  return {
    sql: `INSERT INTO publisher_registries (publisher, url, bound_at, how) VALUES (?, ?, ?, ?) ON CONFLICT ${conflict}`,
    params: [publisher, url, at, how],
  };
}

/** The journal's line about a binding. */
export const bindRecord = (publisher: string, url: string, how: PublisherBinding["how"], at: string): Statement =>
  journalStatement({ kind: "trust", pluginId: publisher, subject: url, outcome: "ok", detail: `registry, ${how}` }, at);

function recordOf(row: Row): RegistryRecord {
  return {
    name: String(row["name"]),
    url: String(row["url"]),
    priority: Number(row["priority"]),
    allowHttp: row["allow_http"] === 1,
    addedAt: String(row["added_at"]),
    repository: typeof row["repository"] === "string" ? row["repository"] : undefined,
    signedMetadata: row["signed_metadata"] === 1,
  };
}
