import type { Row, Statement, Store } from "@berth/store";

/** What the journal records. */
export type JournalKind = "install" | "uninstall" | "grant" | "trust" | "call" | "denial" | "log";

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
}

export interface JournalQuery {
  readonly pluginId?: string | undefined;
  /** Entries with a smaller `seq` only. */
  readonly before?: number | undefined;
  /** Default 100, at most 1,000. */
  readonly limit?: number | undefined;
}

const FLUSH_MS = 100;
/** Different entries kept between two flushes; a plugin that makes more gets its surplus counted in one line. */
const MAX_PENDING = 1_000;
const INSERT =
  "INSERT INTO journal (at, kind, plugin_id, version, subject, outcome, count, duration_us, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

interface Pending {
  readonly record: JournalRecord;
  readonly at: string;
  count: number;
  durationUs: number;
}

/** The statement that writes a record as part of a transaction: for what must be on disk before the answer. */
export function journalStatement(
  record: JournalRecord,
  at: string,
  count = 1,
  durationUs = record.durationUs,
): Statement {
  const { kind, pluginId, version, subject, outcome, detail } = record;
  const us = durationUs === undefined ? null : Math.round(durationUs);
  return {
    sql: INSERT,
    params: [at, kind, pluginId, version ?? null, subject ?? null, outcome, count, us, detail ?? null],
  };
}

/**
 * Writes ordinary uses within 100 ms, so that a call never waits for the disk. At most the last 100 ms of
 * uses are lost when the machine stops; installs, grants and first denials never are.
 */
export class Journal {
  readonly #store: Store;
  readonly #now: () => Date;
  #pending = new Map<string, Pending>();
  #timer: NodeJS.Timeout | undefined;
  readonly #knownDenials = new Set<string>();

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** Counts a use; it reaches the disk within 100 ms. */
  note(record: JournalRecord): void {
    const full = this.#pending.size >= MAX_PENDING;
    const {
      kind,
      pluginId,
      version = "",
      subject = "",
      outcome,
      detail = "",
    } = full ? { ...record, subject: "(more)", detail: "" } : record;
    const key = `${kind}\n${pluginId}\n${version}\n${subject}\n${outcome}\n${detail}`;
    const pending = this.#pending.get(key);
    if (pending === undefined) {
      this.#pending.set(key, {
        record: full ? { ...record, subject: "(more)", detail: undefined } : record,
        at: this.#now().toISOString(),
        count: 1,
        durationUs: record.durationUs ?? 0,
      });
    } else {
      pending.count += 1;
      pending.durationUs += record.durationUs ?? 0;
    }
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS);
  }

  /** Records a denial: the first of its kind is on disk before the plugin hears of it, repeats are counted. */
  async deny(record: JournalRecord): Promise<void> {
    const key = `${record.pluginId}\n${record.subject}\n${record.outcome}`;
    if (this.#knownDenials.has(key)) return this.note(record);
    this.#knownDenials.add(key);
    await this.#store.transaction([journalStatement(record, this.#now().toISOString())]);
  }

  /** Writes what is pending. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const pending = [...this.#pending.values()];
    this.#pending = new Map();
    if (pending.length === 0) return;
    await this.#store.transaction(
      pending.map(({ record, at, count, durationUs }) =>
        journalStatement(record, at, count, record.durationUs === undefined ? undefined : durationUs),
      ),
    );
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
  };
}
