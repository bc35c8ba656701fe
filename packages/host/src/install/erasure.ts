import { formatBase64 } from "@berth/base";
import type { Row, Store } from "@berth/store";

import { storedValueOf } from "../broker/storage-rows.ts";
import { scheduleOf } from "../schedules/schedule-rows.ts";

/** What a plugin keeps in one area: its own, or a partition's. */
export interface StoredDataSummary {
  /** `undefined`: the plugin's own. */
  readonly partition: string | undefined;
  readonly keys: number;
  readonly bytes: number;
}

/** What uninstalling a plugin would erase. */
export interface UninstallPreview {
  readonly pluginId: string;
  readonly version: string;
  readonly data: readonly StoredDataSummary[];
  /** Permissions that somebody agreed to. */
  readonly grants: number;
  /** Secrets that the operator filled in; settings count as one. */
  readonly secrets: number;
  /** Schedules that the plugin set or its manifest declares. */
  readonly schedules: number;
  /** Events of others that wait for it, and events of its own that wait for others. */
  readonly events: number;
  /** Plugins that nobody asked for and, once it has left, nobody needs any more. */
  readonly unneeded: readonly string[];
}

/** Proof of what was erased. The journal holds the same under `seq`. */
export interface UninstallReceipt extends UninstallPreview {
  /** ISO instant. */
  readonly erasedAt: string;
  /** Content digest of the release that was removed. */
  readonly contentDigest: string;
}

/** Tables that hold what belongs to one plugin. Whoever adds such a table adds it here: uninstalling erases them all. */
export const TABLES_OF_PLUGIN = [
  "grants",
  "policy_use",
  "permission_requests",
  "secrets",
  "network_use",
  "file_use",
  "service_use",
  "keyed_calls",
  "keyed_effects",
  "schedules",
  "event_deliveries",
  "events",
  "call_statistics",
  "memory_statistics",
  "loss_statistics",
  "storage",
  "storage_usage",
  "storage_labels",
] as const;

const EXPORT_PAGE = 100;

export async function previewErasure(
  store: Store,
  pluginId: string,
  version: string,
): Promise<Omit<UninstallPreview, "unneeded">> {
  const areas = await store.all(
    "SELECT partition, count(*) AS keys, sum(size) AS bytes FROM storage WHERE plugin_id = ? GROUP BY partition ORDER BY partition",
    [pluginId],
  );
  const [counts] = await store.all(
    `SELECT (SELECT count(*) FROM grants WHERE plugin_id = ?1) AS grants,
      (SELECT count(*) FROM secrets WHERE plugin_id = ?1) AS secrets,
      (SELECT count(*) FROM schedules WHERE plugin_id = ?1) AS schedules,
      (SELECT count(*) FROM event_deliveries WHERE plugin_id = ?1
        OR event_seq IN (SELECT seq FROM events WHERE plugin_id = ?1)) AS events`,
    [pluginId],
  );
  return {
    pluginId,
    version,
    data: areas.map((row) => ({
      partition: partitionOf(row),
      keys: Number(row["keys"]),
      bytes: Number(row["bytes"]),
    })),
    grants: Number(counts?.["grants"]),
    secrets: Number(counts?.["secrets"]),
    schedules: Number(counts?.["schedules"]),
    events: Number(counts?.["events"]),
  };
}

/** What is exported, and whose. */
export interface Exported {
  readonly pluginId: string;
  readonly version: string;
  /** What the operator set; `undefined`: nothing. */
  readonly settings: unknown;
}

/**
 * Everything that a plugin stored, as JSON Lines: first what it is, then its settings, then one line for each schedule
 * that it set, then one for each key. Values are as they are stored; `{"$bytes": n}` in one stands for the n-th of its
 * `bytes`, in base64. Secrets are not among it.
 */
export async function* exportData(store: Store, { pluginId, version, settings }: Exported): AsyncGenerator<string> {
  yield formatLine({ format: "berth-plugin-data", formatVersion: 2, plugin: pluginId, version });
  if (settings !== undefined) yield formatLine({ settings });
  const schedules = await store.all(
    "SELECT * FROM schedules WHERE plugin_id = ? AND is_declared = 0 ORDER BY area, name",
    [pluginId],
  );
  for (const row of schedules) {
    const { name, partition = null, definition } = scheduleOf(row);
    yield formatLine({ schedule: name, partition, ...definition, input: JSON.parse(String(row["input"])) as unknown });
  }
  let after: { partition: string; key: string } | undefined;
  for (;;) {
    const rows = await store.all(
      `SELECT partition, key, json, bytes FROM storage
        WHERE plugin_id = ?1 AND (?2 IS NULL OR (partition, key) > (?2, ?3)) ORDER BY partition, key LIMIT ?4`,
      [pluginId, after?.partition ?? null, after?.key ?? null, EXPORT_PAGE],
    );
    for (const row of rows) {
      const { text, bytes } = storedValueOf(row);
      const head = JSON.stringify({
        partition: partitionOf(row) ?? null,
        key: row["key"],
        ...(bytes.length > 0 && { bytes: bytes.map(formatBase64) }),
      });
      // The text is JSON already; parsing it would only cost.
      yield `${head.slice(0, -1)},"value":${text}}\n`;
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < EXPORT_PAGE) return;
    after = { partition: String(last["partition"]), key: String(last["key"]) };
  }
}

const formatLine = (value: object): string => `${JSON.stringify(value)}\n`;

const USER = "user:";

function partitionOf(row: Row): string | undefined {
  const partition = String(row["partition"]);
  return partition === "" ? undefined : partition.slice(USER.length);
}
