import type { Store } from "@berth/store";

import { HostError } from "../errors.ts";

/** Bytes that plugins sent and received, day by day (UTC). Kept over restarts, so that nobody starts over at noon. */
export class DailyBytes {
  readonly #store: Store;
  readonly #now: () => Date;
  #day = "";
  readonly #used = new Map<string, Promise<{ bytes: number }>>();

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** What a plugin has used today. The object is shared: whoever spends adds to it at once, so that two requests cannot both spend the rest. */
  of(pluginId: string): Promise<{ bytes: number }> {
    const day = this.#now().toISOString().slice(0, 10);
    if (day !== this.#day) {
      this.#day = day;
      this.#used.clear();
    }
    let used = this.#used.get(pluginId);
    if (used === undefined) {
      const loading = this.#load(pluginId, day);
      used = loading;
      this.#used.set(pluginId, loading);
      // A disk that failed once must not keep the plugin off the network until midnight.
      loading.catch(() => {
        if (this.#used.get(pluginId) === loading) this.#used.delete(pluginId);
      });
    }
    return used;
  }

  async #load(pluginId: string, day: string): Promise<{ bytes: number }> {
    const [row] = await this.#store.all("SELECT bytes FROM network_use WHERE plugin_id = ? AND day = ?", [
      pluginId,
      day,
    ]);
    return { bytes: Number(row?.["bytes"] ?? 0) };
  }

  /** Writes what a request has spent. */
  async save(pluginId: string, spent: number): Promise<void> {
    await this.#store.transaction([
      { sql: "DELETE FROM network_use WHERE plugin_id = ? AND day < ?", params: [pluginId, this.#day] },
      {
        // Nothing is counted for a plugin that was erased meanwhile.
        sql: `INSERT INTO network_use SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
              ON CONFLICT DO UPDATE SET bytes = bytes + excluded.bytes`,
        params: [pluginId, this.#day, spent],
      },
    ]);
  }

  forget(pluginId: string): void {
    this.#used.delete(pluginId);
  }
}

/** @throws HostError BROKER_QUOTA_EXCEEDED */
export function spend(used: { bytes: number }, bytes: number, limit: number): void {
  if (used.bytes + bytes > limit) {
    throw new HostError(
      "BROKER_QUOTA_EXCEEDED",
      `network.fetch: ${used.bytes} bytes were sent and received today, ${bytes} more do not fit into ${limit}`,
    );
  }
  used.bytes += bytes;
}
