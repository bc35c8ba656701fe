import type { Store } from "@berth/store";

import type { LossReasons } from "./process-statistics.ts";
import type { StatisticsQuery } from "./period.ts";
import type { ActionStatistics } from "./statistics.ts";

/** What one plugin did and keeps. */
export interface PluginUse {
  readonly pluginId: string;
  readonly calls: number;
  readonly cpuMs: number;
  /**
   * Processes that ended otherwise than because nobody needed them, with the plugin at work in them or with nobody else
   * ever in them: its next call started anew. Whose fault it was is not said.
   */
  readonly losses: number;
  /** The same by why they ended, such as `crashed`, `memory` or `deadline`. */
  readonly lossReasons: LossReasons;
  /** Requests that its rights, an effect class or a quota refused. */
  readonly denials: number;
  /**
   * The most that a process of the plugin grew by in the period while it held this plugin alone, engine and values under
   * way included, bytes; looked at every 30 ms while it works. `undefined`: it never had a process to itself.
   */
  readonly peakMemoryBytes: number | undefined;
  /** What it stores now, in all partitions; the period does not matter. */
  readonly storageBytes: number;
  /** ISO instant of the last call that ended; `undefined` when there was none. */
  readonly lastUsedAt: string | undefined;
}

/** What statistics have of a period. */
export interface CountedUse {
  readonly actions: readonly ActionStatistics[];
  readonly peaks: ReadonlyMap<string, number>;
  readonly losses: ReadonlyMap<string, LossReasons>;
}

/** Adds up by plugin: calls and losses from statistics, denials from the journal, bytes from the storage itself. */
export async function pluginUse(
  store: Store,
  pluginIds: readonly string[],
  { actions, peaks, losses }: CountedUse,
  { from, to }: StatisticsQuery,
): Promise<PluginUse[]> {
  const denials = await store.all(
    `SELECT plugin_id, sum(count) AS count FROM journal WHERE kind = 'denial' AND (?1 IS NULL OR at >= ?1)
      AND (?2 IS NULL OR at <= ?2) GROUP BY plugin_id`,
    [from ?? null, to ?? null],
  );
  const sizes = await store.all("SELECT plugin_id, sum(size) AS size FROM storage_usage GROUP BY plugin_id");
  const denialsOf = new Map(denials.map((row) => [row["plugin_id"], Number(row["count"])]));
  const sizeOf = new Map(sizes.map((row) => [row["plugin_id"], Number(row["size"])]));
  return pluginIds.map((pluginId) => {
    const own = actions.filter((each) => each.pluginId === pluginId);
    const lossReasons = losses.get(pluginId) ?? {};
    return {
      pluginId,
      calls: own.reduce((sum, { calls }) => sum + calls, 0),
      cpuMs: own.reduce((sum, { cpuMs }) => sum + cpuMs, 0),
      losses: Object.values(lossReasons).reduce((sum, count) => sum + count, 0),
      lossReasons,
      peakMemoryBytes: peaks.get(pluginId),
      denials: denialsOf.get(pluginId) ?? 0,
      storageBytes: sizeOf.get(pluginId) ?? 0,
      lastUsedAt: own
        .map(({ lastUsedAt }) => lastUsedAt)
        .toSorted()
        .at(-1),
    };
  });
}
