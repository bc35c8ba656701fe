import type { EndReason } from "@berth/sandbox";
import type { Statement, Store } from "@berth/store";

import { addDuration, addHistogram, percentileMs } from "./histogram.ts";
import type { Histogram } from "./histogram.ts";
import { HOUR, IN_PERIOD, MAX_PENDING, periodParams } from "./period.ts";
import type { StatisticsQuery } from "./period.ts";
import { ProcessStatistics, readLosses, readPeaks } from "./process-statistics.ts";
import type { LossReasons } from "./process-statistics.ts";

/** What a plugin's action did within a period. */
export interface ActionStatistics {
  readonly pluginId: string;
  readonly action: string;
  readonly calls: number;
  /** Calls by how they ended: `ok`, or the code of an error. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Milliseconds, from a histogram whose buckets grow by a fifth. */
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
  readonly meanMs: number | undefined;
  /** CPU time that the engines charged to these calls in all, milliseconds; calls lost with their process tell none. */
  readonly cpuMs: number;
  /** Calls that were made a second time, because a neighbour may have cost them their process. */
  readonly retries: number;
  /** ISO instant of the last call that ended. */
  readonly lastUsedAt: string;
}

/** What one call cost. */
export interface CallCost {
  readonly durationUs: number;
  readonly cpuUs: number;
  /** How often it was made once more. */
  readonly retries: number;
}

const FLUSH_MS = 1_000;
const HOUR_MS = 3_600_000;

interface Tally {
  readonly pluginId: string;
  readonly action: string;
  readonly hour: string;
  readonly outcome: string;
  calls: number;
  durationUs: number;
  cpuUs: number;
  retries: number;
  lastAtMs: number;
  readonly histogram: Histogram;
}

/**
 * Counts of calls by plugin, action, hour and outcome. They reach the disk within a second; at most that second
 * is lost when the machine stops.
 */
export class Statistics {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #keepDays: number;
  readonly #onFault: (error: unknown) => void;
  #pending = new Map<string, Tally>();
  readonly #processes = new ProcessStatistics();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, now: () => Date, keepDays: number, onFault: (error: unknown) => void) {
    this.#store = store;
    this.#now = now;
    this.#keepDays = keepDays;
    this.#onFault = onFault;
  }

  note(pluginId: string, action: string, outcome: string, { durationUs, cpuUs, retries }: CallCost): void {
    const lastAtMs = this.#now().getTime();
    const key = `${pluginId}\n${action}\n${Math.floor(lastAtMs / HOUR_MS)}\n${outcome}`;
    let tally = this.#pending.get(key);
    if (tally === undefined) {
      if (this.#pending.size >= MAX_PENDING) return; // The disk has failed for long; counts are the least of it.
      const hour = new Date(lastAtMs).toISOString().slice(0, HOUR);
      tally = {
        pluginId,
        action,
        hour,
        outcome,
        calls: 0,
        durationUs: 0,
        cpuUs: 0,
        retries: 0,
        lastAtMs,
        histogram: [],
      };
      this.#pending.set(key, tally);
    }
    tally.calls += 1;
    tally.durationUs += durationUs;
    tally.cpuUs += cpuUs;
    tally.retries += retries;
    tally.lastAtMs = lastAtMs;
    addDuration(tally.histogram, durationUs);
    this.#timer ??= this.#flushSoon();
  }

  #flushSoon(): NodeJS.Timeout {
    return setTimeout(() => {
      this.flush().catch(this.#onFault);
    }, FLUSH_MS).unref();
  }

  /** Writes what is pending, and lets go of what is older than it is kept. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = this.#pending;
    if (pending.size === 0 && this.#processes.isEmpty) return;
    this.#pending = new Map();
    const ofProcesses = this.#processes.take();
    try {
      const statements = await Promise.all([...pending.values()].map((tally) => this.#statementOf(tally)));
      const oldest = new Date(this.#now().getTime() - this.#keepDays * 86_400_000).toISOString().slice(0, HOUR);
      await this.#store.transaction([
        ...statements,
        ...ofProcesses.statements,
        ...["call_statistics", "memory_statistics", "loss_statistics"].map((table) => ({
          sql: `DELETE FROM ${table} WHERE hour < ?`,
          params: [oldest],
        })),
      ]);
    } catch (error) {
      ofProcesses.restore();
      for (const [key, tally] of pending) {
        const newer = this.#pending.get(key);
        if (newer === undefined) {
          this.#pending.set(key, tally);
          continue;
        }
        newer.calls += tally.calls;
        newer.durationUs += tally.durationUs;
        newer.cpuUs += tally.cpuUs;
        newer.retries += tally.retries;
        addHistogram(newer.histogram, tally.histogram);
      }
      throw error;
    }
  }

  /** What a process has grown by that held this plugin alone: the most of each hour is kept. */
  noteMemory(pluginId: string, grownBytes: number): void {
    this.#processes.noteMemory(pluginId, this.#now(), grownBytes);
    this.#timer ??= this.#flushSoon();
  }

  /** A process was lost to the plugin. */
  noteLoss(pluginId: string, reason: EndReason): void {
    this.#processes.noteLoss(pluginId, this.#now(), reason);
    this.#timer ??= this.#flushSoon();
  }

  /** Peaks of memory in a period, by plugin, bytes. */
  async peaks(query: StatisticsQuery): Promise<ReadonlyMap<string, number>> {
    await this.flush();
    return readPeaks(this.#store, query);
  }

  /** Losses in a period, by plugin and by why. */
  async losses(query: StatisticsQuery): Promise<ReadonlyMap<string, LossReasons>> {
    await this.flush();
    return readLosses(this.#store, query);
  }

  /** Forgets what is pending of a plugin that was erased. */
  forget(pluginId: string): void {
    this.#processes.forget(pluginId);
    for (const [key, tally] of this.#pending) if (tally.pluginId === pluginId) this.#pending.delete(key);
  }

  async query(query: StatisticsQuery): Promise<ActionStatistics[]> {
    await this.flush();
    const rows = await this.#store.all(
      `SELECT * FROM call_statistics WHERE ${IN_PERIOD} ORDER BY plugin_id, action, hour`,
      periodParams(query),
    );
    const found = new Map<string, Tally & { readonly outcomes: Map<string, number> }>();
    for (const row of rows) {
      const key = `${String(row["plugin_id"])}\n${String(row["action"])}`;
      let sum = found.get(key);
      if (sum === undefined) {
        const names = { pluginId: String(row["plugin_id"]), action: String(row["action"]) };
        sum = {
          ...names,
          hour: "",
          outcome: "",
          calls: 0,
          durationUs: 0,
          cpuUs: 0,
          retries: 0,
          lastAtMs: 0,
          histogram: [],
          outcomes: new Map(),
        };
        found.set(key, sum);
      }
      const outcome = String(row["outcome"]);
      const calls = Number(row["calls"]);
      sum.outcomes.set(outcome, (sum.outcomes.get(outcome) ?? 0) + calls);
      sum.calls += calls;
      sum.durationUs += Number(row["duration_us"]);
      sum.cpuUs += Number(row["cpu_us"]);
      sum.retries += Number(row["retries"]);
      sum.lastAtMs = Math.max(sum.lastAtMs, Date.parse(String(row["last_at"])));
      addHistogram(sum.histogram, parseHistogram(row["histogram"]));
    }
    return [...found.values()].map(
      ({ histogram, outcomes, durationUs, cpuUs, retries, calls, lastAtMs, ...names }) => ({
        pluginId: names.pluginId,
        action: names.action,
        calls,
        outcomes: Object.fromEntries(outcomes),
        p50Ms: percentileMs(histogram, 0.5),
        p95Ms: percentileMs(histogram, 0.95),
        p99Ms: percentileMs(histogram, 0.99),
        meanMs: calls === 0 ? undefined : durationUs / calls / 1_000,
        cpuMs: cpuUs / 1_000,
        retries,
        lastUsedAt: new Date(lastAtMs).toISOString(),
      }),
    );
  }

  /** Adds a tally to what is stored of the same hour. The host alone writes here, so reading first is safe. */
  async #statementOf({
    pluginId,
    action,
    hour,
    outcome,
    calls,
    durationUs,
    cpuUs,
    retries,
    lastAtMs,
    histogram,
  }: Tally): Promise<Statement> {
    const [row] = await this.#store.all(
      "SELECT histogram FROM call_statistics WHERE plugin_id = ? AND action = ? AND hour = ? AND outcome = ?",
      [pluginId, action, hour, outcome],
    );
    const sum = [...histogram];
    addHistogram(sum, parseHistogram(row?.["histogram"]));
    return {
      sql: `INSERT INTO call_statistics (plugin_id, action, hour, outcome, calls, duration_us, last_at, histogram, cpu_us,
          retries)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
        ON CONFLICT DO UPDATE SET calls = calls + ?5, duration_us = duration_us + ?6, last_at = ?7, histogram = ?8,
          cpu_us = cpu_us + ?9, retries = retries + ?10`,
      params: [
        pluginId,
        action,
        hour,
        outcome,
        calls,
        Math.round(durationUs),
        new Date(lastAtMs).toISOString(),
        JSON.stringify(sum),
        Math.round(cpuUs),
        retries,
      ],
    };
  }
}

function parseHistogram(text: unknown): readonly number[] {
  if (typeof text !== "string") return [];
  const value: unknown = JSON.parse(text);
  return Array.isArray(value) ? value.map(Number) : [];
}
