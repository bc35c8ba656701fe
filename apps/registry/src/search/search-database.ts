import { rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";

import type { PluginCard } from "@berth/spec";

import { packFacets } from "./facets.ts";
import { indexedText } from "./match-expression.ts";
import type { MatchExpression } from "./match-expression.ts";

/** Rises with every change of what is stored; an index of another format is built anew. */
const FORMAT = 2;

/**
 * Ids are places in an order: the upper part says where, the lower part, the plugin's serial number,
 * makes it unique. FTS5 gives matches in the order of their ids, so the first ones are the best, and a
 * query can stop when it has enough. Together they stay below 2^53.
 */
const SERIAL_SPAN = 2 ** 26;
const RANK_STEPS = 1_000;
const RANK_ZERO = 40_000;
/** Minutes since 1970 that fit into the upper part. */
const LAST_MINUTE = 2 ** 26 - 1;

/** The most used first; downloads that differ by less than a thousandth count as the same. */
export const rankId = (downloads: number, serial: number): number =>
  (RANK_ZERO - Math.floor(Math.log1p(downloads) * RANK_STEPS)) * SERIAL_SPAN + serial;

/** The newest first, to the minute. */
export const updateId = (publishedAt: string, serial: number): number =>
  (LAST_MINUTE - Math.floor(Date.parse(publishedAt) / 60_000)) * SERIAL_SPAN + serial;

export const serialOf = (id: number): number => id % SERIAL_SPAN;

/** Which plugin has which word, and nothing more: nobody asks for phrases, and kinds of words tell places apart. */
const OPTIONS = `prefix='2 3 4', content='', contentless_delete=1, detail=none, tokenize='ascii'`;

const SCHEMA = `
  CREATE TABLE state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
  INSERT INTO state VALUES ('position', -1);
  CREATE TABLE plugins (
    serial INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, rank_id INTEGER NOT NULL UNIQUE,
    update_id INTEGER NOT NULL UNIQUE, facets INTEGER NOT NULL, price INTEGER NOT NULL, card TEXT NOT NULL
  ) STRICT;
  CREATE VIRTUAL TABLE by_rank USING fts5(words, ${OPTIONS});
  CREATE VIRTUAL TABLE by_update USING fts5(words, ${OPTIONS});
  PRAGMA user_version = ${FORMAT};
`;

interface IndexedRow {
  readonly rank: number;
  readonly update: number;
  readonly words: string;
}

/** The search index of one node: a SQLite file that can be thrown away at any time. One thread uses it. */
export class SearchDatabase {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #facets = new Uint32Array(1_024);

  private constructor(db: DatabaseSync) {
    this.#db = db;
    for (const row of this.prepare("SELECT serial, facets FROM plugins").iterate()) {
      const { serial, facets } = row as { serial: number; facets: number };
      this.#setFacets(serial, facets);
    }
  }

  /** Opens the file; one that is damaged or of another format is replaced by an empty one. */
  static open(file: string): SearchDatabase {
    try {
      return new SearchDatabase(openFile(file));
    } catch {
      // Whatever is wrong with it, the catalogue has everything that it held.
      for (const ending of ["", "-wal", "-shm"]) rmSync(`${file}${ending}`, { force: true });
      return new SearchDatabase(openFile(file));
    }
  }

  get position(): number {
    const row = this.prepare("SELECT value FROM state WHERE name = 'position'").get() as { value: number };
    return row.value;
  }

  get count(): number {
    const row = this.prepare("SELECT count(*) AS count FROM plugins").get() as { count: number };
    return row.count;
  }

  /** Statements are prepared once; their texts are ours and few. */
  prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** Forgets everything, as before a rebuild. */
  clear(): void {
    this.#transact(() => {
      this.#db.exec(
        "DELETE FROM plugins; INSERT INTO by_rank(by_rank) VALUES('delete-all'); INSERT INTO by_update(by_update) VALUES('delete-all'); UPDATE state SET value = -1",
      );
    });
    this.#facets.fill(0);
  }

  /** Takes plugins in, or their new state; with `position`, everything up to there is in now. */
  put(cards: readonly PluginCard[], position?: number): void {
    this.#transact(() => {
      const rows = cards.map((card) => this.#putRow(card));
      // FTS5 writes out what it has gathered whenever an id is lower than the one before, so ids go in ascending.
      for (const { rank, words } of rows.toSorted((a, b) => a.rank - b.rank))
        this.prepare("INSERT INTO by_rank(rowid, words) VALUES (?, ?)").run(rank, words);
      for (const { update, words } of rows.toSorted((a, b) => a.update - b.update))
        this.prepare("INSERT INTO by_update(rowid, words) VALUES (?, ?)").run(update, words);
      if (position !== undefined) this.prepare("UPDATE state SET value = ? WHERE name = 'position'").run(position);
    });
  }

  /** Merges what many insertions left in pieces. */
  optimize(): void {
    this.#db.exec(
      "INSERT INTO by_rank(by_rank) VALUES('optimize'); INSERT INTO by_update(by_update) VALUES('optimize')",
    );
  }

  /** Ids of matches in the order of a table: those after one of them, at most so many. */
  match(table: "by_rank" | "by_update", expression: MatchExpression, after: number, limit: number): readonly number[] {
    return this.#ids(`SELECT rowid AS id FROM ${table} WHERE ${table} MATCH ? AND rowid > ? ORDER BY rowid LIMIT ?`, [
      expression,
      after,
      limit,
    ]);
  }

  /** Ids of all plugins in an order: those after one of them, at most so many. */
  readAll(column: "rank_id" | "update_id", after: number, limit: number): readonly number[] {
    return this.#ids(`SELECT ${column} AS id FROM plugins WHERE ${column} > ? ORDER BY ${column} LIMIT ?`, [
      after,
      limit,
    ]);
  }

  priceOf(serial: number): number {
    return (this.prepare("SELECT price FROM plugins WHERE serial = ?").get(serial) as { price: number }).price;
  }

  facetsOf(serial: number): number {
    return this.#facets[serial] ?? 0;
  }

  close(): void {
    this.#db.close();
  }

  #ids(sql: string, params: readonly (string | number)[]): readonly number[] {
    return (this.prepare(sql).all(...params) as { id: number }[]).map(({ id }) => id);
  }

  /** Puts the row in and the old words out; gives what is to be indexed. */
  #putRow(card: PluginCard): IndexedRow {
    const known = this.prepare("SELECT serial, rank_id, update_id FROM plugins WHERE id = ?").get(card.id) as
      | { serial: number; rank_id: number; update_id: number }
      | undefined;
    const serial = known?.serial ?? this.#nextSerial();
    const rank = rankId(card.downloads, serial);
    const update = updateId(card.publishedAt, serial);
    if (known !== undefined) {
      this.prepare("DELETE FROM by_rank WHERE rowid = ?").run(known.rank_id);
      this.prepare("DELETE FROM by_update WHERE rowid = ?").run(known.update_id);
    }
    const facets = packFacets(card);
    const price = card.pricing.price?.amountMinor ?? 0;
    this.prepare("INSERT OR REPLACE INTO plugins VALUES (?, ?, ?, ?, ?, ?, ?)").run(
      serial,
      card.id,
      rank,
      update,
      facets,
      price,
      JSON.stringify(card),
    );
    this.#setFacets(serial, facets);
    return { rank, update, words: indexedText(card) };
  }

  #nextSerial(): number {
    const row = this.prepare("SELECT max(serial) AS last FROM plugins").get() as { last: number | null };
    return (row.last ?? 0) + 1;
  }

  #setFacets(serial: number, facets: number): void {
    if (serial >= this.#facets.length) {
      const larger = new Uint32Array(Math.max(serial + 1, this.#facets.length * 2));
      larger.set(this.#facets);
      this.#facets = larger;
    }
    this.#facets[serial] = facets;
  }

  #transact(work: () => void): void {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }
}

function openFile(file: string): DatabaseSync {
  const db = new DatabaseSync(file);
  try {
    // Normal: a crash of the machine may lose the last changes, never the file's soundness; the feed brings them again.
    db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -65536; PRAGMA trusted_schema = OFF",
    );
    const { user_version: format } = db.prepare("PRAGMA user_version").get() as { user_version: number };
    if (format === 0) db.exec(`BEGIN; ${SCHEMA} COMMIT`);
    else if (format !== FORMAT) throw new Error(`the index has the format ${format}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}
