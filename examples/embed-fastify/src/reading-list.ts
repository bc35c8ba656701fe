import { DatabaseSync } from "node:sqlite";

export interface Article {
  readonly id: number;
  readonly title: string;
  /** Markdown. */
  readonly notes: string;
  /** Minutes, as a plugin reckoned them. */
  readonly minutes: number;
}

/** What readers want to read, in one SQLite file. */
export class ReadingList implements Disposable {
  readonly #database: DatabaseSync;

  constructor(file: string) {
    this.#database = new DatabaseSync(file);
    this.#database.exec(`CREATE TABLE IF NOT EXISTS articles (
      id INTEGER PRIMARY KEY, reader TEXT NOT NULL, title TEXT NOT NULL, notes TEXT NOT NULL, minutes INTEGER NOT NULL) STRICT`);
  }

  add(reader: string, { title, notes, minutes }: Omit<Article, "id">): Article {
    const { lastInsertRowid } = this.#database
      .prepare("INSERT INTO articles (reader, title, notes, minutes) VALUES (?, ?, ?, ?)")
      .run(reader, title, notes, minutes);
    return { id: Number(lastInsertRowid), title, notes, minutes };
  }

  of(reader: string): Article[] {
    const rows = this.#database.prepare("SELECT * FROM articles WHERE reader = ? ORDER BY id DESC").all(reader);
    return rows.map((row) => ({
      id: Number(row["id"]),
      title: String(row["title"]),
      notes: String(row["notes"]),
      minutes: Number(row["minutes"]),
    }));
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}
