import type { Store } from "@berth/store";

import { HostError } from "../errors.ts";

interface Count {
  hour: string;
  used: number;
}

const FLUSH_MS = 100;

/**
 * How often each plugin used a service in the hour under way. Counted in memory, so that requests at the same
 * moment do not slip past a limit together; the disk knows within 100 ms.
 */
export class HourlyCounts {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #onFault: (error: unknown) => void;
  /** By plugin and service: a count, or its reading from the disk. */
  readonly #counts = new Map<string, Promise<Count>>();
  readonly #unsaved = new Map<string, Count>();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: Store, now: () => Date, onFault: (error: unknown) => void) {
    this.#store = store;
    this.#now = now;
    this.#onFault = onFault;
  }

  /**
   * Counts one use.
   *
   * @throws HostError BROKER_QUOTA_EXCEEDED
   */
  async spend(pluginId: string, service: string, limit: number): Promise<void> {
    const count = await this.#countOf(pluginId, service);
    const hour = this.#hour();
    if (count.hour !== hour) {
      count.hour = hour;
      count.used = 0;
    }
    if (count.used >= limit) {
      throw new HostError("BROKER_QUOTA_EXCEEDED", `${service}: ${limit} requests an hour were granted, and were made`);
    }
    count.used += 1;
    this.#unsaved.set(keyOf(pluginId, service), count);
    this.#timer ??= setTimeout(() => {
      this.flush().catch(this.#onFault);
    }, FLUSH_MS);
  }

  #countOf(pluginId: string, service: string): Promise<Count> {
    const key = keyOf(pluginId, service);
    let count = this.#counts.get(key);
    if (count === undefined) {
      count = this.#load(pluginId, service);
      this.#counts.set(key, count);
      // A disk that failed once must not keep the plugin from the service until the host is opened again.
      count.catch(() => this.#counts.delete(key));
    }
    return count;
  }

  async #load(pluginId: string, service: string): Promise<Count> {
    const [row] = await this.#store.all("SELECT hour, used FROM service_use WHERE plugin_id = ? AND service = ?", [
      pluginId,
      service,
    ]);
    return { hour: String(row?.["hour"] ?? ""), used: Number(row?.["used"] ?? 0) };
  }

  /** Writes what is not on disk yet. When that fails it is kept for the next time. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const unsaved = [...this.#unsaved];
    this.#unsaved.clear();
    if (unsaved.length === 0) return;
    try {
      await this.#store.transaction(
        unsaved.map(([key, { hour, used }]) => ({
          // Nothing is counted for a plugin that was erased meanwhile.
          sql: `INSERT INTO service_use SELECT ?1, ?2, ?3, ?4 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
                ON CONFLICT DO UPDATE SET hour = excluded.hour, used = excluded.used`,
          params: [...key.split("\n"), hour, used],
        })),
      );
    } catch (error) {
      for (const [key, count] of unsaved) this.#unsaved.set(key, count);
      throw error;
    }
  }

  #hour(): string {
    return this.#now().toISOString().slice(0, 13);
  }
}

const keyOf = (pluginId: string, service: string): string => `${pluginId}\n${service}`;
