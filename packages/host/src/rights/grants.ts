import { formatPermission, permissionOf, permissionSchema } from "@berth/spec";
import type { Permission, PermissionName } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";

import type { PluginPolicy } from "../policy.ts";

/** A permission that a person agreed to. What a policy agrees to stands in the policy. */
export interface Grant {
  readonly permission: Permission;
  /** ISO instants. */
  readonly grantedAt: string;
  readonly expiresAt: string | undefined;
  /** When a plugin last made use of it; `undefined`: never. */
  readonly lastUsedAt: string | undefined;
}

/** A permission that the operator's policy grants, of a name that the plugin's manifest asks for. Nobody was asked. */
export interface PolicyGrant {
  /** As the policy has it; the manifest may ask for less of it, or for more. */
  readonly permission: Permission;
  /** ISO instant when the plugin last made use of it; `undefined`: never, or not since the policy has it so. */
  readonly lastUsedAt: string | undefined;
}

const FLUSH_MS = 100;

/** What grants are kept with. All of it belongs to the host. */
export interface GrantParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly policyFor: (pluginId: string) => PluginPolicy;
  readonly onFault: (error: unknown) => void;
}

/**
 * What persons agreed to, plugin by plugin, and when that and what policies grant was last used. Grants are held in
 * memory too: a right is looked up at every request of a plugin, and a grant that is taken back must be gone at the
 * next one.
 */
export class Grants {
  readonly #parts: GrantParts;
  readonly #grants = new Map<string, Grant[]>();
  /** Uses that the disk does not know yet: by plugin, the permission and when it was first used since. */
  readonly #used = new Map<string, Map<Permission, string>>();
  #timer: NodeJS.Timeout | undefined;
  /** Hears when what is granted changed. */
  onChange: () => void = () => undefined;

  constructor(parts: GrantParts) {
    this.#parts = parts;
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
    const now = this.#parts.now().toISOString();
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

  /** Nothing is left of a plugin that was erased, nor of what it used just before. */
  forget(pluginId: string): void {
    this.#used.delete(pluginId);
    this.set(pluginId, []);
  }

  /** What the policy grants a plugin of the names that it asks for, and when each was last used. */
  async byPolicy(pluginId: string, asked: readonly PermissionName[]): Promise<PolicyGrant[]> {
    const { store, policyFor } = this.#parts;
    const { grants, deny } = policyFor(pluginId);
    await this.flush();
    const rows = await store.all("SELECT permission, last_used_at FROM policy_use WHERE plugin_id = ?", [pluginId]);
    const lastUse = new Map(rows.map((row) => [row["permission"], String(row["last_used_at"])]));
    const names = new Set(asked.filter((name) => !deny.has(name)));
    // Several rules may grant the same.
    const byText = new Map(
      grants.filter(({ name }) => names.has(name)).map((permission) => [formatPermission(permission), permission]),
    );
    return [...byText].map(([text, permission]) => ({ permission, lastUsedAt: lastUse.get(text) }));
  }

  /**
   * Remembers that a grant was made use of; the disk knows within 100 ms. `permission` is one of `of`, or of the policy
   * as `policyFor` gives it; of others nothing is kept.
   */
  noteUse(pluginId: string, permission: Permission): void {
    let used = this.#used.get(pluginId);
    if (used === undefined) this.#used.set(pluginId, (used = new Map()));
    if (used.has(permission)) return;
    used.set(permission, this.#parts.now().toISOString());
    this.#timer ??= setTimeout(() => {
      this.flush().catch(this.#parts.onFault);
    }, FLUSH_MS);
  }

  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const statements: Statement[] = [];
    for (const [pluginId, used] of this.#used) {
      const grants = this.#grants.get(pluginId) ?? [];
      // The very objects by which rights are decided, so that nothing is compared at every request.
      const ofPolicy = new Set(this.#parts.policyFor(pluginId).grants);
      for (const [permission, at] of used) {
        const params = [at, pluginId, formatPermission(permission)];
        statements.push({ sql: ofPolicy.has(permission) ? NOTE_POLICY_USE : NOTE_USE, params });
      }
      if (grants.some(({ permission }) => used.has(permission)))
        this.set(
          pluginId,
          grants.map((grant) => ({ ...grant, lastUsedAt: used.get(grant.permission) ?? grant.lastUsedAt })),
        );
    }
    this.#used.clear();
    if (statements.length > 0) await this.#parts.store.transaction(statements);
  }
}

const NOTE_USE = "UPDATE grants SET last_used_at = ?1 WHERE plugin_id = ?2 AND permission = ?3";
/** Not for a plugin that was erased meanwhile. */
const NOTE_POLICY_USE = `INSERT INTO policy_use (plugin_id, permission, last_used_at)
  SELECT ?2, ?3, ?1 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?2)
  ON CONFLICT DO UPDATE SET last_used_at = excluded.last_used_at`;

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

/** As `parseStoredPermission`; `undefined` for what it throws at. */
export function tryParseStored(text: string): Permission | undefined {
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
