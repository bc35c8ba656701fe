import { explainPermission, formatPermission, permissionOf } from "@berth/spec";
import type { Permission, PermissionName, PermissionRequest as DeclaredPermission } from "@berth/spec";
import type { Store } from "@berth/store";

import type { ServiceCall } from "../broker/service.ts";
import { parseStoredPermission } from "./grants.ts";

/** A permission that a plugin needed while nobody was there to ask. Grant it, and it is gone from the list. */
export interface PendingRequest {
  readonly pluginId: string;
  readonly permission: Permission;
  /** What it would allow, in plain words. */
  readonly text: string;
  /** The author's reason. */
  readonly reason: string;
  /** The action that needed it first. */
  readonly action: string;
  /** ISO instant. */
  readonly askedAt: string;
}

/** Requests of plugins for permissions, kept until a person answers. At most one for each permission of a manifest. */
export class PermissionRequests {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #kept = new Set<string>();

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  async keep({ pluginId, action }: ServiceCall, declared: DeclaredPermission): Promise<void> {
    const permission = formatPermission(permissionOf(declared));
    const key = `${pluginId}\n${permission}`;
    if (this.#kept.has(key)) return;
    await this.#store.transaction([
      {
        sql: `INSERT OR IGNORE INTO permission_requests
                (plugin_id, permission, reason, action, asked_at)
              SELECT ?1, ?2, ?3, ?4, ?5 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)`,
        params: [pluginId, permission, declared.reason, action, this.#now().toISOString()],
      },
    ]);
    this.#kept.add(key);
  }

  async list(): Promise<PendingRequest[]> {
    const rows = await this.#store.all(
      "SELECT * FROM permission_requests WHERE dismissed_at IS NULL ORDER BY asked_at, plugin_id",
    );
    return rows.map((row) => {
      const permission = parseStoredPermission(String(row["permission"]));
      return {
        pluginId: String(row["plugin_id"]),
        permission,
        text: explainPermission(permission),
        reason: String(row["reason"]),
        action: String(row["action"]),
        askedAt: String(row["asked_at"]),
      };
    });
  }

  /** See `Host.dismissRequests`. */
  async dismiss(pluginId: string, name: PermissionName): Promise<boolean> {
    const [result] = await this.#store.transaction([
      {
        sql: `UPDATE permission_requests SET dismissed_at = ?3
              WHERE plugin_id = ?1 AND dismissed_at IS NULL AND json_extract(permission, '$.name') = ?2`,
        params: [pluginId, name, this.#now().toISOString()],
      },
    ]);
    return (result?.changes ?? 0) > 0;
  }

  /** After grants changed: what is taken back may be asked for again. */
  forget(pluginId: string): void {
    for (const key of this.#kept) if (key.startsWith(`${pluginId}\n`)) this.#kept.delete(key);
  }
}
