import { isCodedError, sanitize } from "@berth/base";
import type { Row, Store } from "@berth/store";

import type { SetAlarm } from "../alarm.ts";
import { journalStatement } from "../journal.ts";
import { Pump } from "../pump.ts";
import { deliveryOf, doneStatements, trimStatement } from "./delivery-rows.ts";
import { MAX_AT_A_TIME } from "./ephemeral-queue.ts";
import type { Subscribers } from "./subscribers.ts";

/** Deliveries that are tried, the first included. */
const MAX_ATTEMPTS = 8;
const FIRST_RETRY_MS = 1_000;
const MAX_RETRY_MS = 3_600_000;

/** Failures that say nothing about the event: its plugin, or the host, was on its way out. */
const INNOCENT: ReadonlySet<string> = new Set([
  "HOST_CLOSED",
  "HOST_PLUGIN_NOT_ENABLED",
  "HOST_PLUGIN_UNKNOWN",
  "SANDBOX_BUSY",
  "SANDBOX_CLOSED",
]);
/** Failures that would be the same the next time. */
const FINAL: ReadonlySet<string> = new Set([
  "BROKER_DENIED",
  "BROKER_LABEL_DENIED",
  "HOST_ACTION_UNKNOWN",
  "HOST_INPUT_INVALID",
]);

/** What the queue works on. All of it belongs to the host. */
export interface DurableParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly setAlarm: SetAlarm;
  readonly isReady: (subscriber: string) => boolean;
  readonly deliver: Subscribers["deliver"];
  readonly onFault: (error: unknown) => void;
}

/**
 * Delivers what is stored, at least once: a delivery is removed after its handler ended well, and tried again, later
 * each time, when it did not.
 */
export class DurableQueue {
  readonly #parts: DurableParts;
  readonly #underWay = new Map<string, Set<number>>();
  readonly #pump: Pump;

  constructor(parts: DurableParts) {
    this.#parts = parts;
    this.#pump = new Pump({ ...parts, look: () => this.#look() });
  }

  /** Called whenever something may be due: a publication, a plugin switched on. */
  wake(): void {
    this.#pump.wake();
  }

  async #look(): Promise<Date | undefined> {
    const { store, now, isReady } = this.#parts;
    const at = now().toISOString();
    const lines = await store.all(
      "SELECT DISTINCT plugin_id FROM event_deliveries WHERE state = 'pending' AND due_at <= ?",
      [at],
    );
    for (const line of lines) {
      const subscriber = String(line["plugin_id"]);
      const underWay = this.#underWay.get(subscriber)?.size ?? 0;
      if (!isReady(subscriber) || underWay >= MAX_AT_A_TIME) continue;
      const rows = await store.all(
        `SELECT d.event_seq, d.attempts, e.* FROM event_deliveries d JOIN events e ON e.seq = d.event_seq
          WHERE d.state = 'pending' AND d.plugin_id = ? AND d.due_at <= ? ORDER BY d.event_seq LIMIT ?`,
        [subscriber, at, MAX_AT_A_TIME + underWay],
      );
      for (const row of rows) this.#start(subscriber, row);
    }
    const [next] = await store.all(
      "SELECT min(due_at) AS at FROM event_deliveries WHERE state = 'pending' AND due_at > ?",
      [at],
    );
    return typeof next?.["at"] === "string" ? new Date(next["at"]) : undefined;
  }

  #start(subscriber: string, row: Row): void {
    const seq = Number(row["event_seq"]);
    let underWay = this.#underWay.get(subscriber);
    if (underWay === undefined) this.#underWay.set(subscriber, (underWay = new Set()));
    if (underWay.size >= MAX_AT_A_TIME || underWay.has(seq) || this.#pump.isClosed) return;
    underWay.add(seq);
    this.#run(subscriber, seq, row)
      .catch((error: unknown) => {
        if (!this.#pump.isClosed) this.#parts.onFault(error);
      })
      .finally(() => {
        underWay.delete(seq);
        if (underWay.size === 0) this.#underWay.delete(subscriber);
        this.wake();
      });
  }

  async #run(subscriber: string, seq: number, row: Row): Promise<void> {
    const { store, deliver } = this.#parts;
    let failure: unknown;
    let isLabelled = false;
    try {
      await deliver(subscriber, deliveryOf(row), () => (isLabelled = true));
    } catch (error) {
      failure = error ?? new Error("the handler threw nothing");
    }
    if (failure === undefined) await store.transaction(doneStatements(subscriber, seq));
    else if (!this.#pump.isClosed) await this.#noteFailure(subscriber, seq, row, failure, isLabelled);
  }

  async #noteFailure(subscriber: string, seq: number, row: Row, failure: unknown, isLabelled: boolean): Promise<void> {
    const { store, now } = this.#parts;
    const code = isCodedError(failure) ? failure.code : "INTERNAL";
    const isInnocent = INNOCENT.has(code);
    const attempts = Number(row["attempts"]) + (isInnocent ? 0 : 1);
    const isDead = FINAL.has(code) || attempts >= MAX_ATTEMPTS;
    const at = now();
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** Math.max(attempts - 1, 0), MAX_RETRY_MS);
    // Dead letters are shown: words of a plugin that had labelled data stay with it.
    const words = failure instanceof Error && !isLabelled ? sanitize(failure.message, 300) : "";
    await store.transaction([
      {
        sql: "UPDATE event_deliveries SET state = ?, attempts = ?, due_at = ?, reason = ? WHERE plugin_id = ? AND event_seq = ?",
        params: [
          isDead ? "dead" : "pending",
          attempts,
          new Date(at.getTime() + waitMs).toISOString(),
          `${code}: ${words}`,
          subscriber,
          seq,
        ],
      },
      ...(isDead
        ? [
            trimStatement(subscriber),
            journalStatement(
              {
                kind: "event",
                pluginId: subscriber,
                subject: String(row["topic"]),
                outcome: code,
                detail: "dead letter",
              },
              at.toISOString(),
            ),
          ]
        : []),
    ]);
  }

  close(): void {
    this.#pump.close();
  }
}
