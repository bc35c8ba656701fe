import type { EndReason } from "@berth/sandbox";
import type { Statement, Store } from "@berth/store";

import { HOUR, IN_PERIOD, MAX_PENDING, periodParams } from "./period.ts";
import type { StatisticsQuery } from "./period.ts";

/** How often processes were lost, by why they ended. */
export type LossReasons = Readonly<Partial<Record<EndReason, number>>>;

/** What processes of plugins took and how they were lost, by hour; written by `Statistics`. */
export class ProcessStatistics {
  /** By plugin and hour, bytes. */
  #peaks = new Map<string, number>();
  /** By plugin, hour and reason. */
  #losses = new Map<string, number>();

  get isEmpty(): boolean {
    return this.#peaks.size === 0 && this.#losses.size === 0;
  }

  /** The most of each hour is kept. */
  noteMemory(pluginId: string, at: Date, grownBytes: number): void {
    raise(this.#peaks, `${pluginId}\n${hourOf(at)}`, grownBytes, Math.max);
  }

  noteLoss(pluginId: string, at: Date, reason: EndReason): void {
    raise(this.#losses, `${pluginId}\n${hourOf(at)}\n${reason}`, 1, add);
  }

  /** Forgets what is pending of a plugin that was erased. */
  forget(pluginId: string): void {
    for (const pending of [this.#peaks, this.#losses])
      for (const key of pending.keys()) if (key.startsWith(`${pluginId}\n`)) pending.delete(key);
  }

  /** Gives what is pending as statements. `restore` takes it up again when they could not be written. */
  take(): { readonly statements: Statement[]; restore(): void } {
    const [peaks, losses] = [this.#peaks, this.#losses];
    this.#peaks = new Map();
    this.#losses = new Map();
    return {
      statements: [
        ...Array.from(peaks, ([key, bytes]) => ({ sql: NOTE_PEAK, params: [...key.split("\n"), Math.round(bytes)] })),
        ...Array.from(losses, ([key, count]) => ({ sql: NOTE_LOSS, params: [...key.split("\n"), count] })),
      ],
      restore: () => {
        for (const [key, bytes] of peaks) raise(this.#peaks, key, bytes, Math.max);
        for (const [key, count] of losses) raise(this.#losses, key, count, add);
      },
    };
  }
}

/** Peaks of memory in a period, by plugin, bytes. */
export async function readPeaks(store: Store, query: StatisticsQuery): Promise<ReadonlyMap<string, number>> {
  const rows = await store.all(
    `SELECT plugin_id, max(peak_bytes) AS peak FROM memory_statistics WHERE ${IN_PERIOD} GROUP BY plugin_id`,
    periodParams(query),
  );
  return new Map(rows.map((row) => [String(row["plugin_id"]), Number(row["peak"])]));
}

/** Losses in a period, by plugin. */
export async function readLosses(store: Store, query: StatisticsQuery): Promise<ReadonlyMap<string, LossReasons>> {
  const rows = await store.all(
    `SELECT plugin_id, reason, sum(losses) AS losses FROM loss_statistics WHERE ${IN_PERIOD}
      GROUP BY plugin_id, reason ORDER BY plugin_id, reason`,
    periodParams(query),
  );
  const found = new Map<string, Record<string, number>>();
  for (const row of rows) {
    const pluginId = String(row["plugin_id"]);
    const reasons = found.get(pluginId) ?? {};
    reasons[String(row["reason"])] = Number(row["losses"]);
    found.set(pluginId, reasons);
  }
  return found;
}

const NOTE_PEAK = `INSERT INTO memory_statistics (plugin_id, hour, peak_bytes)
  SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
  ON CONFLICT DO UPDATE SET peak_bytes = max(peak_bytes, excluded.peak_bytes)`;

const NOTE_LOSS = `INSERT INTO loss_statistics (plugin_id, hour, reason, losses)
  SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
  ON CONFLICT DO UPDATE SET losses = losses + excluded.losses`;

const hourOf = (at: Date): string => at.toISOString().slice(0, HOUR);
const add = (a: number, b: number): number => a + b;

function raise(pending: Map<string, number>, key: string, by: number, join: (a: number, b: number) => number): void {
  const before = pending.get(key);
  // The disk has failed for long; counts are the least of it.
  if (before === undefined && pending.size >= MAX_PENDING) return;
  pending.set(key, before === undefined ? by : join(before, by));
}
