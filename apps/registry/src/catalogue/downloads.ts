import type { Database } from "../database/open-database.ts";

/** Counts downloads in memory and adds them to the catalogue now and then; a crash loses the last seconds. */
export class DownloadCounter {
  readonly #db: Database;
  readonly #now: () => Date;
  #counts = new Map<string, number>();

  constructor(db: Database, now: () => Date) {
    this.#db = db;
    this.#now = now;
  }

  /** One package was sent whole. */
  count(plugin: string, version: string): void {
    const key = `${plugin} ${version} ${this.#now().toISOString().slice(0, 10)}`;
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  /** Adds what was counted; gives the plugins whose number rose. On failure nothing is lost or counted twice. */
  async flush(): Promise<string[]> {
    if (this.#counts.size === 0) return [];
    const counts = this.#counts;
    this.#counts = new Map();
    try {
      await this.#add(counts);
    } catch (error) {
      for (const [key, count] of counts) this.#counts.set(key, (this.#counts.get(key) ?? 0) + count);
      throw error;
    }
    return [...new Set(Array.from(counts.keys(), (key) => key.split(" ")[0] as string))];
  }

  async #add(counts: ReadonlyMap<string, number>): Promise<void> {
    await this.#db.transaction().execute(async (db) => {
      // Always in the same order, so that two servers on one database never wait for each other.
      for (const [key, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
        const [plugin, version, day] = key.split(" ") as [string, string, string];
        await db
          .insertInto("download_days")
          .values({ plugin, version, day, count })
          .onConflict((conflict) =>
            conflict
              .columns(["plugin", "version", "day"])
              .doUpdateSet((expression) => ({ count: expression("download_days.count", "+", count) })),
          )
          .execute();
        await db
          .updateTable("plugins")
          .set((expression) => ({ downloads: expression("downloads", "+", count) }))
          .where("id", "=", plugin)
          .execute();
      }
    });
  }
}
