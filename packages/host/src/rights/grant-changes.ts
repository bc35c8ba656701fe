import { quote } from "@berth/base";
import { covers, formatPermission, permissionOf } from "@berth/spec";
import type { Permission, PermissionName } from "@berth/spec";
import type { Statement, Store } from "@berth/store";

import { HostError } from "../errors.ts";
import { journalStatement } from "../journal.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { PluginPolicy } from "../policy.ts";
import { replaceGrants } from "./grants.ts";
import type { Grant, Grants } from "./grants.ts";
import type { PermissionRequests } from "./permission-requests.ts";

/** What changing grants works on. All of it belongs to the host. */
export interface GrantChangeParts {
  readonly store: Store;
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly requests: PermissionRequests;
  readonly policyFor: (pluginId: string) => PluginPolicy;
  readonly now: () => Date;
  /** Takes back what persons allowed without a grant that lasts; see `Rights.takeBack`. */
  readonly takeBack: (pluginId: string, isMeant: (permission: Permission) => boolean) => readonly Permission[];
  /** Told as soon as something taken back no longer holds. */
  readonly onTakenBack: () => void;
}

/** Gives and takes back permissions of installed plugins. The host calls these one after the other. */
export class GrantChanges {
  readonly #parts: GrantChangeParts;

  constructor(parts: GrantChangeParts) {
    this.#parts = parts;
  }

  /** See `Host.grant`. */
  async grant(pluginId: string, permission: Permission, expiresAt: string | undefined): Promise<void> {
    const { plugins, grants, policyFor, now } = this.#parts;
    const record = plugins.get(pluginId);
    const refuse = (why: string): never => {
      throw new HostError("HOST_GRANT_REFUSED", `${permission.name} cannot be granted to ${pluginId}: ${why}`);
    };
    const asked = record.release?.manifest.permissions ?? [];
    if (!asked.some((request) => covers(permissionOf(request), permission)))
      refuse("its manifest does not ask for that much");
    if (policyFor(pluginId).deny.has(permission.name)) refuse("the operator's policy denies it");
    if (permission.name === "network_unrestricted") refuse("only the operator's policy grants it");
    const grantedAt = now().toISOString();
    const until = expiresAt === undefined ? undefined : tryFormatInstant(expiresAt);
    if (expiresAt !== undefined && until === undefined)
      refuse(`expected an instant such as 2027-01-31T00:00:00Z as its end, found ${quote(expiresAt)}`);
    if (until !== undefined && until <= grantedAt) refuse("the grant would have ended already");
    const key = formatPermission(permission);
    const kept = grants.of(pluginId).filter((grant) => formatPermission(grant.permission) !== key);
    await this.#write(
      pluginId,
      record.facts.version,
      "grant",
      [permission],
      [...kept, { permission, grantedAt, expiresAt: until, lastUsedAt: undefined }],
    );
  }

  /** See `Host.revoke`. */
  async revoke(pluginId: string, what: Permission | PermissionName): Promise<Permission[]> {
    const { plugins, grants, takeBack } = this.#parts;
    const { facts } = plugins.get(pluginId);
    const isMeant = (permission: Permission): boolean =>
      typeof what === "string" ? permission.name === what : covers(permission, what) || covers(what, permission);
    const before = grants.of(pluginId);
    const ofGrants = before.map(({ permission }) => permission).filter(isMeant);
    const isListed = new Set(ofGrants.map(formatPermission));
    const ofSession = takeBack(pluginId, isMeant).filter((permission) => !isListed.has(formatPermission(permission)));
    const taken = [...ofGrants, ...ofSession];
    if (taken.length > 0)
      await this.#write(
        pluginId,
        facts.version,
        "revoke",
        taken,
        before.filter(({ permission }) => !isMeant(permission)),
      );
    return taken;
  }

  async #write(
    pluginId: string,
    version: string,
    kind: "grant" | "revoke",
    changed: readonly Permission[],
    after: readonly Grant[],
  ): Promise<void> {
    const { store, grants, requests, now } = this.#parts;
    const at = now().toISOString();
    const records = changed.map((permission): Statement =>
      journalStatement(
        { kind, pluginId, version, subject: permission.name, outcome: "ok", detail: formatPermission(permission) },
        at,
      ),
    );
    // Taken back in memory first: no request that begins during the write may still pass. Given only after it.
    const before = grants.of(pluginId);
    if (kind === "revoke") {
      grants.set(pluginId, after);
      this.#parts.onTakenBack();
    }
    try {
      await store.transaction([...replaceGrants(pluginId, after), ...records]);
    } catch (error) {
      grants.set(pluginId, before);
      throw error;
    }
    grants.set(pluginId, after);
    requests.forget(pluginId);
  }
}

/** An instant of RFC 3339 with its time zone; any other text means another moment on another machine. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)$/;

/** Spelled as every other instant: they are compared, and sorted, as texts. */
function tryFormatInstant(text: string): string | undefined {
  const at = INSTANT.test(text) ? new Date(text) : undefined;
  return at === undefined || Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}
