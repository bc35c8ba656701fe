import type { DataLabel } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";

import { formatStoredLabel, storedLabelOf } from "./labels/area-labels.ts";

/** What the journal records. */
export type JournalKind =
  | "install"
  | "uninstall"
  | "state"
  | "grant"
  | "revoke"
  | "config"
  | "secret"
  | "trust"
  | "call"
  | "use"
  | "denial"
  | "event"
  | "log";

/** One entry. Equal uses within 100 ms are one entry with a count. */
export interface JournalEntry {
  readonly seq: number;
  /** ISO instant. */
  readonly at: string;
  readonly kind: JournalKind;
  readonly pluginId: string;
  readonly version: string | undefined;
  /** The action, permission, service or key that the entry is about. */
  readonly subject: string | undefined;
  /** `ok`, or the code of the error. */
  readonly outcome: string;
  readonly count: number;
  /** Sum over `count`, microseconds. */
  readonly durationUs: number | undefined;
  readonly detail: string | undefined;
  /** Of the data that the plugin had then: its words, such as a path, may tell of it. `undefined`: there was none. */
  readonly label: DataLabel | undefined;
}

/** What is written. */
export interface JournalRecord {
  readonly kind: JournalKind;
  readonly pluginId: string;
  readonly version?: string | undefined;
  readonly subject?: string | undefined;
  readonly outcome: string;
  readonly durationUs?: number;
  readonly detail?: string | undefined;
  readonly label?: DataLabel | undefined;
}

export interface JournalQuery {
  readonly pluginId?: string | undefined;
  /** Entries with a smaller `seq` only. */
  readonly before?: number | undefined;
  /** Default 100, at most 1,000. */
  readonly limit?: number | undefined;
}

const FLUSH_MS = 100;
const DAY_MS = 86_400_000;
/** Different entries kept between two flushes; what plugins make beyond them is counted in one line each. */
const MAX_PENDING = 1_000;
/** Different uses of permissions that are read to suggest narrower ones. */
const MAX_USES = 10_000;
/** Stands for subjects beyond a quota. */
const MORE = "(more)";
/** Longer details are a plugin's words, such as paths, and are not kept. */
const MAX_DETAIL = 1_000;
/** Lines of uses that a plugin gets in an hour; beyond them there is one for each kind of use, which counts on. */
const MAX_LINES_AN_HOUR = 2_000;
const HOUR = "YYYY-MM-DDTHH".length;
const INSERT =
  "INSERT INTO journal (at, kind, plugin_id, version, subject, outcome, count, duration_us, detail, label) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

interface Pending {
  readonly record: JournalRecord;
  readonly at: string;
  count: number;
  durationUs: number;
}

/** What one plugin wrote in the hour under way. */
interface Hour {
  readonly hour: string;
  lines: number;
  /** Lines that count on, by what they count. */
  readonly running: Map<string, number>;
}

/** The statement that writes a record as part of a transaction: for what must be on disk before the answer. */
export function journalStatement(
  record: JournalRecord,
  at: string,
  count = 1,
  durationUs = record.durationUs,
): Statement {
  const { kind, pluginId, version, subject, outcome, detail, label } = record;
  const us = durationUs === undefined ? null : Math.round(durationUs);
  return {
    sql: INSERT,
    params: [
      at,
      kind,
      pluginId,
      version ?? null,
      subject ?? null,
      outcome,
      count,
      us,
      detail ?? null,
      formatStoredLabel(label),
    ],
  };
}

/** Subjects of one plugin whose first denial is written by itself; what is denied beyond them is counted in one line. */
const MAX_DENIED_SUBJECTS = 200;

/**
 * Writes ordinary uses within 100 ms, so that a call never waits for the disk. At most the last 100 ms of
 * uses are lost when the machine stops; installs, grants and first denials never are.
 */
export class Journal {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #onFault: (error: unknown) => void;
  readonly #keepDays: number;
  #pending = new Map<string, Pending>();
  #timer: NodeJS.Timeout | undefined;
  readonly #hours = new Map<string, Hour>();
  /** Denials that are on disk or on their way: by plugin, then by subject and outcome. */
  readonly #denials = new Map<string, Map<string, Promise<void>>>();

  /**
   * `onFault` hears when uses could not be written; they are kept, within the quota, and tried again. `keepDays`: how
   * long uses stay; see `JournalRetention`.
   */
  constructor(store: Store, now: () => Date, onFault: (error: unknown) => void, keepDays: number) {
    this.#keepDays = keepDays;
    this.#store = store;
    this.#now = now;
    this.#onFault = onFault;
  }

  /** Counts a use; it reaches the disk within 100 ms. */
  note(noted: JournalRecord): void {
    const isLong = (noted.detail?.length ?? 0) > MAX_DETAIL;
    const record = isLong ? { ...noted, subject: MORE, detail: undefined } : noted;
    this.#count(record, undefined, 1, record.durationUs ?? 0);
    this.#schedule();
  }

  /** `at` is left out for now. */
  #count(record: JournalRecord, at: string | undefined, count: number, durationUs: number): void {
    const { kind, pluginId, version = "", subject = "", outcome, detail = "", label } = record;
    const key = `${kind}\n${pluginId}\n${version}\n${subject}\n${outcome}\n${detail}\n${formatStoredLabel(label)}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) {
      pending.count += count;
      pending.durationUs += durationUs;
    } else if (this.#pending.size < MAX_PENDING || subject === MORE) {
      this.#pending.set(key, { record, at: at ?? this.#now().toISOString(), count, durationUs });
    } else {
      this.#count({ ...record, subject: MORE, detail: undefined }, at, count, durationUs);
    }
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.flush().catch(this.#onFault);
    }, FLUSH_MS);
  }

  /**
   * Records a denial. The first of its kind is on disk before this resolves, also for those who were denied
   * at the same moment; repeats are counted.
   */
  async deny(record: JournalRecord): Promise<void> {
    const { pluginId, outcome } = record;
    let known = this.#denials.get(pluginId);
    if (known === undefined) this.#denials.set(pluginId, (known = new Map()));
    const isNew = !known.has(`${record.subject}\n${outcome}`);
    const kept = isNew && known.size >= MAX_DENIED_SUBJECTS ? { ...record, subject: MORE, detail: undefined } : record;
    const key = `${kept.subject}\n${outcome}`;
    const first = known.get(key);
    if (first !== undefined) {
      await first;
      return this.note(kept);
    }
    const written = this.#write([journalStatement(kept, this.#now().toISOString())]);
    known.set(key, written);
    try {
      await written;
    } catch (error) {
      known.delete(key); // The next denial of this kind must not pass for a repeat.
      throw error;
    }
  }

  /** Writes what is pending. When that fails it is kept for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
    if (pending.length === 0) return;
    try {
      await this.#writeUses(pending);
    } catch (error) {
      for (const { record, at, count, durationUs } of pending) this.#count(record, at, count, durationUs);
      this.#schedule();
      throw error;
    }
  }

  /** A line for each, while its plugin has lines left in this hour; what is beyond is added to a line that is there. */
  async #writeUses(pending: readonly Pending[]): Promise<void> {
    const statements: Statement[] = [];
    const beyond = new Map<string, Pending>();
    for (const each of pending) {
      const { kind, pluginId, version, subject, outcome } = each.record;
      const hour = this.#hourOf(each);
      if (hour.lines < MAX_LINES_AN_HOUR && subject !== MORE) {
        hour.lines += 1;
        statements.push(statementOf(each));
        continue;
      }
      const key = JSON.stringify([kind, pluginId, version, subject, outcome]);
      const sum = beyond.get(key);
      if (sum === undefined) beyond.set(key, { ...each, record: { ...each.record, detail: undefined } });
      else {
        sum.count += each.count;
        sum.durationUs += each.durationUs;
      }
    }
    const first = statements.length;
    for (const [key, each] of beyond) {
      const seq = this.#hourOf(each).running.get(key);
      statements.push(seq === undefined ? statementOf(each) : addStatement(seq, each));
    }
    const results = await this.#store.transaction(statements);
    for (const [index, [key, each]] of [...beyond].entries()) {
      const seq = results[first + index]?.rows[0]?.["seq"];
      this.#hourOf(each).running.set(key, Number(seq));
    }
  }

  #hourOf({ record: { pluginId }, at }: Pending): Hour {
    const hour = at.slice(0, HOUR);
    let found = this.#hours.get(pluginId);
    if (found?.hour !== hour) this.#hours.set(pluginId, (found = { hour, lines: 0, running: new Map() }));
    return found;
  }

  async #write(statements: readonly Statement[]): Promise<void> {
    await this.#store.transaction(statements);
  }

  /** Every different use of a permission that a plugin was seen to make, and whether all of them were kept. */
  async usesOf(pluginId: string): Promise<{ readonly uses: readonly string[]; readonly isComplete: boolean }> {
    await this.flush();
    const rows = await this.#store.all(
      "SELECT DISTINCT subject, detail FROM journal WHERE plugin_id = ? AND kind = 'use' LIMIT ?",
      [pluginId, MAX_USES],
    );
    const [first] = await this.#store.all(
      "SELECT min(at) AS at FROM journal WHERE plugin_id = ? AND kind IN ('install', 'use')",
      [pluginId],
    );
    const oldest = new Date(this.#now().getTime() - this.#keepDays * DAY_MS).toISOString();
    // What it did before that is not kept any more.
    const isWhole = typeof first?.["at"] !== "string" || first["at"] >= oldest;
    return {
      uses: rows.flatMap(({ detail }) => (typeof detail === "string" ? [detail] : [])),
      isComplete: isWhole && rows.length < MAX_USES && rows.every(({ detail }) => typeof detail === "string"),
    };
  }

  /** Entries, newest first. */
  async read({ pluginId, before, limit = 100 }: JournalQuery): Promise<JournalEntry[]> {
    await this.flush();
    const rows = await this.#store.all(
      "SELECT * FROM journal WHERE (?1 IS NULL OR plugin_id = ?1) AND (?2 IS NULL OR seq < ?2) ORDER BY seq DESC LIMIT ?3",
      [pluginId ?? null, before ?? null, Math.min(Math.max(Math.trunc(limit), 1), 1_000)],
    );
    return rows.map(entryOf);
  }
}

/** Answers with the number of the line. */
function statementOf({ record, at, count, durationUs }: Pending): Statement {
  const { sql, ...rest } = journalStatement(
    record,
    at,
    count,
    record.durationUs === undefined ? undefined : durationUs,
  );
  return { ...rest, sql: `${sql} RETURNING seq` };
}

function addStatement(seq: number, { count, durationUs }: Pending): Statement {
  return {
    sql: "UPDATE journal SET count = count + ?, duration_us = duration_us + ? WHERE seq = ? RETURNING seq",
    params: [count, Math.round(durationUs), seq],
  };
}

function entryOf(row: Row): JournalEntry {
  const text = (name: string): string | undefined => (row[name] === null ? undefined : String(row[name]));
  return {
    seq: Number(row["seq"]),
    at: String(row["at"]),
    kind: String(row["kind"]) as JournalKind,
    pluginId: String(row["plugin_id"]),
    version: text("version"),
    subject: text("subject"),
    outcome: String(row["outcome"]),
    count: Number(row["count"]),
    durationUs: row["duration_us"] === null ? undefined : Number(row["duration_us"]),
    detail: text("detail"),
    label: storedLabelOf(row),
  };
}
