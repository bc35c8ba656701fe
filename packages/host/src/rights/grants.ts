import { formatPermission, permissionOf, permissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";

/** A permission that a person agreed to. What a policy agrees to stands in the policy. */
export interface Grant {
  readonly permission: Permission;
  /** ISO instants. */
  readonly grantedAt: string;
  readonly expiresAt: string | undefined;
  /** When a plugin last made use of it; `undefined`: never. */
  readonly lastUsedAt: string | undefined;
}

const FLUSH_MS = 100;

/**
 * What persons and policies agreed to, plugin by plugin. Held in memory too: a right is looked up at every
 * request of a plugin, and a grant that is taken back must be gone at the next one.
 */
export class Grants {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #onFault: (error: unknown) => void;
  readonly #grants = new Map<string, Grant[]>();
  /** Uses that the disk does not know yet: by plugin, the permission and when it was first used since. */
  readonly #used = new Map<string, Map<Permission, string>>();
  #timer: NodeJS.Timeout | undefined;
  /** Hears when what is granted changed. */
  onChange: () => void = () => undefined;

  constructor(store: Store, now: () => Date, onFault: (error: unknown) => void) {
    this.#store = store;
    this.#now = now;
    this.#onFault = onFault;
  }

  /** Takes up what is stored when the host opens. A grant that cannot be read grants nothing. */
  restore(rows: readonly Row[]): void {
    // Many plugins ask for the same: each different text is checked once.
    const parsed = new Map<string, Permission | undefined>();
    for (const row of rows) {
      const text = String(row["permission"]);
      if (!parsed.has(text)) parsed.set(text, tryParseStored(text));
      const permission = parsed.get(text);
      if (permission === undefined) continue;
      const pluginId = String(row["plugin_id"]);
      const grants = this.#grants.get(pluginId);
      const grant = grantOf(permission, row);
      if (grants === undefined) this.#grants.set(pluginId, [grant]);
      else grants.push(grant);
    }
  }

  /** Grants that hold now. */
  of(pluginId: string): readonly Grant[] {
    const all = this.#grants.get(pluginId) ?? [];
    const now = this.#now().toISOString();
    return all.some((grant) => hasExpired(grant, now)) ? all.filter((grant) => !hasExpired(grant, now)) : all;
  }

  permissionsOf(pluginId: string): Permission[] {
    return this.of(pluginId).map(({ permission }) => permission);
  }

  /** Makes `grants` the only ones of a plugin, after they were written. */
  set(pluginId: string, grants: readonly Grant[]): void {
    if (grants.length === 0) this.#grants.delete(pluginId);
    else this.#grants.set(pluginId, [...grants]);
    this.onChange();
  }

  /** Remembers that a grant was made use of; the disk knows within 100 ms. `permission` is one of `of`. */
  noteUse(pluginId: string, permission: Permission): void {
    let used = this.#used.get(pluginId);
    if (used === undefined) this.#used.set(pluginId, (used = new Map()));
    if (used.has(permission)) return;
    used.set(permission, this.#now().toISOString());
    this.#timer ??= setTimeout(() => {
      this.flush().catch(this.#onFault);
    }, FLUSH_MS);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const statements: Statement[] = [];
    for (const [pluginId, used] of this.#used) {
      const grants = this.#grants.get(pluginId) ?? [];
      for (const [permission, at] of used) {
        statements.push({
          sql: "UPDATE grants SET last_used_at = ? WHERE plugin_id = ? AND permission = ?",
          params: [at, pluginId, formatPermission(permission)],
        });
      }
      this.set(
        pluginId,
        grants.map((grant) => ({ ...grant, lastUsedAt: used.get(grant.permission) ?? grant.lastUsedAt })),
      );
    }
    this.#used.clear();
    if (statements.length > 0) await this.#store.transaction(statements);
  }
}

/** The statements that make `grants` the only ones of a plugin. */
export function replaceGrants(pluginId: string, grants: readonly Grant[]): Statement[] {
  return [
    { sql: "DELETE FROM grants WHERE plugin_id = ?", params: [pluginId] },
    ...grants.map(({ permission, grantedAt, expiresAt, lastUsedAt }) => ({
      sql: `INSERT OR REPLACE INTO grants (plugin_id, permission, granted_at, expires_at, last_used_at)
        VALUES (?, ?, ?, ?, ?)`,
      params: [pluginId, formatPermission(permission), grantedAt, expiresAt ?? null, lastUsedAt ?? null],
    })),
    // What is granted is no longer asked for.
    ...grants.map(({ permission }) => ({
      sql: "DELETE FROM permission_requests WHERE plugin_id = ? AND permission = ?",
      params: [pluginId, formatPermission(permission)],
    })),
  ];
}

const hasExpired = ({ expiresAt }: Grant, now: string): boolean => expiresAt !== undefined && expiresAt <= now;

/** A permission as it is stored: that of a request without its reason. */
export function parseStoredPermission(text: string): Permission {
  return permissionOf(permissionSchema.parse({ ...(JSON.parse(text) as object), reason: "-" }));
}

function tryParseStored(text: string): Permission | undefined {
  try {
    return parseStoredPermission(text);
  } catch {
    return undefined; // Written by a version whose permissions are not ours: it grants nothing here.
  }
}

function grantOf(permission: Permission, row: Row): Grant {
  const textOf = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]));
  return {
    permission,
    grantedAt: String(row["granted_at"]),
    expiresAt: textOf("expires_at"),
    lastUsedAt: textOf("last_used_at"),
  };
}
