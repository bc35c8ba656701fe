import type { Permission, SecurityLevel } from "@berth/spec";

import type { Grants } from "../rights/grants.ts";
import type { PluginTable } from "./plugin-table.ts";
import type { PluginState } from "./transitions.ts";

/** An installed plugin, as `list` tells it. */
export interface PluginSummary {
  readonly id: string;
  readonly version: string;
  readonly displayName: string;
  readonly state: PluginState;
  /** Why it failed or is in quarantine. */
  readonly reason: string | undefined;
  /** Where it runs; `undefined` when it cannot run on this host. */
  readonly level: SecurityLevel | undefined;
  readonly installedAt: string;
  readonly contentDigest: string;
  readonly keyId: string;
  readonly actions: readonly string[];
  readonly permissions: readonly Permission[];
}

/** @throws HostError HOST_PLUGIN_UNKNOWN */
export function summaryOf(
  pluginId: string,
  { plugins, grants }: { readonly plugins: PluginTable; readonly grants: Grants },
): PluginSummary {
  const { id, facts, release, state, reason } = plugins.get(pluginId);
  return {
    id,
    version: facts.version,
    displayName: release?.manifest.displayName ?? id,
    state,
    reason,
    level: release?.level,
    installedAt: facts.installedAt,
    contentDigest: facts.contentDigest,
    keyId: facts.keyId,
    actions: Object.keys(release?.manifest.contributes.actions ?? {}),
    permissions: grants.permissionsOf(pluginId),
  };
}
