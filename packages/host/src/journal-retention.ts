import type { Store } from "@berth/store";

import type { SetAlarm } from "./alarm.ts";
import type { JournalKind } from "./journal.ts";
import { Pump } from "./pump.ts";

const DAY_MS = 86_400_000;
/** Lines that are looked at in one statement: whoever waits for the store waits no longer than that. */
const PAGE = 5_000;
/** What plugins do, many times a day; everything else somebody decided. */
const USES: readonly JournalKind[] = ["call", "use", "denial", "event", "log"];

/** What retention works on. */
export interface RetentionParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly setAlarm: SetAlarm;
  readonly onFault: (error: unknown) => void;
  /** How long uses are kept, days. */
  readonly journalDays: number;
  /** How long decisions are kept, days; `undefined`: for ever. Never shorter than uses. */
  readonly decisionDays: number | undefined;
}

/** Removes old lines of the journal, when the host opens and once a day. */
export class JournalRetention {
  readonly #parts: RetentionParts;
  readonly #pump: Pump;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#pump = new Pump({ ...parts, look: () => this.#look() });
  }

  begin(): void {
    this.#pump.wake();
  }

  close(): void {
    this.#pump.close();
  }

  async #look(): Promise<Date> {
    const { now, journalDays, decisionDays } = this.#parts;
    const at = now().getTime();
    const before = (days: number): string => new Date(at - days * DAY_MS).toISOString();
    const decisions = decisionDays === undefined ? "" : before(Math.max(decisionDays, journalDays));
    await this.#sweep(before(journalDays), decisions, before(0));
    return new Date(at + DAY_MS);
  }

  /**
   * From the first line on, page by page, until one has young lines and no old one. A clock that was wrong wrote some out
   * of order; lines of the time to come say nothing about those after them.
   */
  async #sweep(uses: string, decisions: string, now: string): Promise<void> {
    const { store } = this.#parts;
    for (let after = 0; !this.#pump.isClosed;) {
      const [page] = await store.all(
        `SELECT max(seq) AS last, min(at) AS oldest, sum(at BETWEEN ? AND ?) AS young FROM
          (SELECT seq, at FROM journal WHERE seq > ? ORDER BY seq LIMIT ?)`,
        [uses, now, after, PAGE],
      );
      const last = page?.["last"];
      if (typeof last !== "number") return;
      await store.transaction([
        {
          sql: `DELETE FROM journal WHERE seq > ? AND seq <= ?
                AND (at < ? OR (at < ? AND kind IN (${USES.map(() => "?").join(", ")})))`,
          params: [after, last, decisions, uses, ...USES],
        },
      ]);
      if (String(page?.["oldest"]) >= uses && Number(page?.["young"]) > 0) return;
      after = last;
    }
  }
}
