import type { Statement, Store } from "@berth/store";

import type { Broker } from "../broker/broker.ts";
import type { Settings } from "../broker/config.ts";
import { installedGraph } from "../graph/installed-graph.ts";
import { unneededAfter } from "../graph/unneeded-after.ts";
import { verifyNobodyNeeds } from "../graph/unmet-needs.ts";
import type { EventSink } from "../host-event.ts";
import { journalStatement } from "../journal.ts";
import type { CrashWatch } from "../lifecycle/crash-watch.ts";
import type { PluginRecord } from "../lifecycle/plugin-record.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Grants } from "../rights/grants.ts";
import type { PermissionRequests } from "../rights/permission-requests.ts";
import type { Rights } from "../rights/rights.ts";
import type { Alerts } from "../statistics/alerts.ts";
import type { Statistics } from "../statistics/statistics.ts";
import type { BegunChange } from "./begun-change.ts";
import { discardPackage } from "./discard-package.ts";
import { TABLES_OF_PLUGIN, exportData, previewErasure } from "./erasure.ts";
import type { UninstallPreview, UninstallReceipt } from "./erasure.ts";
import type { PackageFolder } from "./node-package-folder.ts";

/** What an uninstaller works on. All of it belongs to the host. */
export interface UninstallerParts {
  readonly store: Store;
  readonly packages: PackageFolder;
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly broker: Broker;
  readonly crashes: CrashWatch;
  readonly events: EventSink;
  readonly rights: Rights;
  readonly requests: PermissionRequests;
  readonly settings: Settings;
  readonly statistics: Statistics;
  readonly alerts: Alerts;
  readonly now: () => Date;
}

/** Uninstalls plugins. The host calls `uninstall` while nothing else changes. */
export class Uninstaller {
  readonly #parts: UninstallerParts;

  constructor(parts: UninstallerParts) {
    this.#parts = parts;
  }

  /** See `Host.previewUninstall`. `leaving`: those that are uninstalled together. */
  async preview(pluginId: string, leaving: readonly string[] = [pluginId]): Promise<UninstallPreview> {
    const { plugins, store } = this.#parts;
    const { facts } = plugins.get(pluginId);
    const unneeded = unneededAfter(installedGraph(plugins, []), leaving);
    return { ...(await previewErasure(store, pluginId, facts.version)), unneeded };
  }

  /** See `Host.exportData`. */
  exportData(pluginId: string): AsyncGenerator<string> {
    const { store, plugins, settings } = this.#parts;
    const { version } = plugins.get(pluginId).facts;
    return (async function* exported() {
      yield* exportData(store, { pluginId, version, settings: await settings.stored(pluginId) });
    })();
  }

  /** See `Host.uninstall` and `Host.uninstallAll`. */
  async uninstall(pluginIds: readonly string[]): Promise<UninstallReceipt[]> {
    const { store, plugins, now } = this.#parts;
    const leaving = Array.from(new Set(pluginIds), (id) => ({ id, facts: plugins.get(id).facts }));
    verifyNobodyNeeds(pluginIds, plugins.manifests());
    const erasedAt = now().toISOString();
    const begun: BegunChange[] = [];
    const receipts: UninstallReceipt[] = [];
    const ids = leaving.map(({ id }) => id);
    try {
      for (const id of ids) begun.push(this.#beginErasure(id));
      for (const { id, facts } of leaving) {
        receipts.push({ ...(await this.preview(id, ids)), erasedAt, contentDigest: facts.contentDigest });
      }
      await store.transaction(receipts.flatMap(eraseStatements));
    } catch (error) {
      for (const { undo } of begun) undo();
      throw error;
    }
    for (const { finish } of begun) finish();
    for (const { facts } of leaving) await discardPackage(facts.fileDigest, this.#parts);
    // Erased pages were overwritten; now the copies of them in the write-ahead log go too.
    await store.all("PRAGMA wal_checkpoint(TRUNCATE)");
    return receipts;
  }

  #beginErasure(pluginId: string): BegunChange {
    const { plugins, broker, crashes, grants, rights, requests, statistics, alerts } = this.#parts;
    const { facts } = plugins.get(pluginId);
    const record: PluginRecord = plugins.get(pluginId);
    const { state, reason } = record;
    record.apply("beginUninstall", "uninstalling");
    // Nothing may be written for it from here on; the table refuses what was on its way.
    record.release?.end();
    return {
      undo() {
        if (record.release !== undefined) record.release = plugins.releaseOf(record.release.manifest, facts);
        record.apply("undoUninstall", state, reason);
      },
      finish() {
        grants.forget(pluginId);
        rights.forget(pluginId);
        requests.forget(pluginId);
        statistics.forget(pluginId);
        alerts.forget(pluginId);
        record.facts = undefined;
        record.apply("finishUninstall", "available");
        plugins.drop(record);
        broker.release(pluginId);
        crashes.forget(pluginId);
      },
    };
  }
}

function eraseStatements({ pluginId, version, erasedAt, contentDigest, ...receipt }: UninstallReceipt): Statement[] {
  return [
    { sql: "DELETE FROM plugins WHERE id = ?", params: [pluginId], expectChanges: 1 },
    ...TABLES_OF_PLUGIN.map((table) => ({ sql: `DELETE FROM ${table} WHERE plugin_id = ?`, params: [pluginId] })),
    journalStatement(
      {
        kind: "uninstall",
        pluginId,
        version,
        subject: contentDigest,
        outcome: "ok",
        detail: JSON.stringify(receipt),
      },
      erasedAt,
    ),
  ];
}
