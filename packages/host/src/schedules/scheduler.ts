import { isCodedError } from "@berth/base";
import type { Row, Store } from "@berth/store";

import type { SetAlarm } from "../alarm.ts";
import type { CallScope } from "../call/calls.ts";
import type { Journal } from "../journal.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { Pump } from "../pump.ts";
import { parseStoredPermission } from "../rights/grants.ts";
import { nextTime, oldestOfLast } from "./cron-times.ts";
import { formatDefinition, moveStatement, removeStatement, scheduleOf, setStatement } from "./schedule-rows.ts";
import type { Schedule, ScheduleDefinition } from "./schedule-rows.ts";

/** What schedules are run with. All of it belongs to the host. */
export interface SchedulerParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly setAlarm: SetAlarm;
  readonly plugins: PluginTable;
  readonly journal: Journal;
  readonly call: (pluginId: string, action: string, input: unknown, scope: CallScope) => Promise<unknown>;
  readonly onFault: (error: unknown) => void;
}

/** Runs of one plugin at a time. */
const MAX_AT_A_TIME = 4;
/** What a run may be late without being a missed one, ms. */
const GRACE_MS = 60_000;
/** Missed runs that are made up for one by one. */
const MAX_MADE_UP = 24;

/**
 * Runs actions when their schedules say. A run is noted before it begins, so that none happens twice; of one schedule
 * no two run at a time, and of plugins that are switched off none.
 */
export class Scheduler {
  readonly #parts: SchedulerParts;
  readonly #pump: Pump;
  /** Schedules that run: by plugin. */
  readonly #underWay = new Map<string, Set<string>>();
  #isStale = true;

  constructor(parts: SchedulerParts) {
    this.#parts = parts;
    this.#pump = new Pump({ ...parts, look: () => this.#look() });
  }

  /** A schedule was set, or a run ended. */
  wake(): void {
    this.#pump.wake();
  }

  /** A plugin came, went, or was switched on or off. */
  notePlugins(): void {
    this.#isStale = true;
    this.#pump.wake();
  }

  /** The moment of a definition that comes first; `undefined` when none does. */
  firstTimeOf(definition: ScheduleDefinition): Date | undefined {
    return nextTime(definition, this.#parts.now());
  }

  /** All schedules, or those of one plugin. */
  async list(pluginId?: string): Promise<Schedule[]> {
    const rows = await this.#parts.store.all(
      "SELECT * FROM schedules WHERE ?1 IS NULL OR plugin_id = ?1 ORDER BY plugin_id, area, name",
      [pluginId ?? null],
    );
    return rows.map(scheduleOf);
  }

  async #look(): Promise<Date | undefined> {
    const { store, now } = this.#parts;
    if (this.#isStale) {
      this.#isStale = false;
      await this.#takeUpDeclared();
    }
    const at = now();
    const due = await store.all("SELECT * FROM schedules WHERE next_at <= ? ORDER BY next_at", [at.toISOString()]);
    for (const schedule of due.map(scheduleOf)) await this.#begin(schedule, at);
    const [next] = await store.all("SELECT min(next_at) AS at FROM schedules WHERE next_at > ?", [at.toISOString()]);
    return typeof next?.["at"] === "string" ? new Date(next["at"]) : undefined;
  }

  /** Makes the stored schedules of manifests those that the manifests declare. */
  async #takeUpDeclared(): Promise<void> {
    const { store, plugins } = this.#parts;
    const rows = await store.all("SELECT * FROM schedules WHERE is_declared = 1");
    const stored = new Map(rows.map((row) => [`${String(row["plugin_id"])}\n${String(row["name"])}`, scheduleOf(row)]));
    for (const { id, facts, state } of plugins.scheduled()) {
      if (state === "uninstalling") continue;
      for (const [name, definition] of Object.entries(facts.manifest?.contributes.schedules ?? {})) {
        const known = stored.get(`${id}\n${name}`);
        stored.delete(`${id}\n${name}`);
        if (known !== undefined && formatDefinition(known.definition) === formatDefinition(definition)) continue;
        const nextAt = this.firstTimeOf(definition);
        if (nextAt === undefined) continue; // Refused when it was planned; the time zones of this machine changed since.
        const schedule = { pluginId: id, partition: undefined, name, isDeclared: true, definition, nextAt };
        await store.transaction([setStatement(schedule, { input: "null", callerRights: undefined })]);
      }
    }
    // Of a plugin whose manifest cannot be read nothing is known: its schedules wait for one that can.
    const gone = [...stored.values()].filter(({ pluginId }) => plugins.find(pluginId)?.facts.manifest !== undefined);
    if (gone.length > 0) await store.transaction(gone.map(removeStatement));
  }

  async #begin(schedule: Schedule, at: Date): Promise<void> {
    const { pluginId, definition, nextAt } = schedule;
    const state = this.#parts.plugins.find(pluginId)?.state;
    if (state === "updating") return; // Its end wakes us.
    const key = JSON.stringify([schedule.isDeclared, schedule.partition ?? null, schedule.name]);
    const underWay = this.#underWay.get(pluginId);
    if (underWay?.has(key) === true || (underWay?.size ?? 0) >= MAX_AT_A_TIME) return;
    const { store } = this.#parts;
    const isPaused = state !== "enabled";
    const isLate = at.getTime() - nextAt.getTime() > GRACE_MS;
    if (isPaused || (definition.missed === "skip" && isLate)) {
      await store.transaction([moveStatement(schedule, nextTime(definition, at))]);
      return;
    }
    const [moved] = await store.transaction([moveStatement(schedule, this.#after(schedule, at))]);
    const row = moved?.rows[0];
    if (row === undefined) return; // It was set anew, or removed, meanwhile.
    if (this.#underWay.has(pluginId)) this.#underWay.get(pluginId)?.add(key);
    else this.#underWay.set(pluginId, new Set([key]));
    this.#run(schedule, row)
      .catch((error: unknown) => {
        if (!this.#pump.isClosed) this.#parts.onFault(error);
      })
      .finally(() => {
        const left = this.#underWay.get(pluginId);
        left?.delete(key);
        if (left?.size === 0) this.#underWay.delete(pluginId);
        this.wake();
      });
  }

  /** The moment after the run that begins now; it may lie in the past, when missed runs are made up for. */
  #after({ definition, nextAt }: Schedule, at: Date): Date | undefined {
    if (definition.missed !== "all") return nextTime(definition, at);
    const oldest = oldestOfLast(definition, MAX_MADE_UP, at);
    return nextTime(definition, oldest !== undefined && oldest > nextAt ? oldest : nextAt);
  }

  async #run({ pluginId, partition, name, definition }: Schedule, row: Row): Promise<void> {
    const rights = row["caller_rights"];
    const by = `schedule ${name}`;
    try {
      await this.#parts.call(pluginId, definition.action, JSON.parse(String(row["input"])), {
        partition,
        callerRights:
          typeof rights === "string"
            ? (JSON.parse(rights) as unknown[]).map((each) => parseStoredPermission(JSON.stringify(each)))
            : undefined,
        signal: undefined,
        origin: { by, chain: [], through: undefined, deadlineAt: Infinity, tree: { underWay: 0 }, hops: 0 },
      });
    } catch (error) {
      if (!isCodedError(error)) throw error;
      // How a call ended stands in the journal, but for calls that found no action.
      const outcome = error.code;
      if (outcome === "HOST_ACTION_UNKNOWN")
        this.#parts.journal.note({ kind: "call", pluginId, subject: definition.action, outcome, detail: by });
    }
  }

  close(): void {
    this.#pump.close();
  }
}
