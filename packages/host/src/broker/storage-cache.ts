import type { StorageArea, StoredValue } from "./storage-rows.ts";

/** What one plugin may keep in one area; more pushes out the area's own oldest entries, nobody else's. */
const MAX_AREA_BYTES = 1_048_576;
/** What all areas keep together; more drops the areas that were not used for longest. */
const MAX_BYTES = 32 * 1_048_576;
/** What an entry costs beside its texts: objects, the map's slot. An estimate, so that empty values count too. */
const ENTRY_BYTES = 128;

interface Entry {
  /** `undefined`: the store is known to hold nothing under this key. */
  readonly value: StoredValue | undefined;
  readonly size: number;
}

interface CachedArea {
  /** Oldest use first. */
  readonly entries: Map<string, Entry>;
  bytes: number;
  /** Grows with every write that begins or ends: a read that began before one must not fill the cache. */
  changes: number;
}

/** How far an area had changed when a read or a write began. */
interface Ticket {
  readonly area: CachedArea;
  readonly changes: number;
}

/**
 * What the storage of plugins holds, as far as it was read or written lately. The host alone owns its database, so an entry
 * is right until a write through the same service touches it. Areas never share entries: the key of one is
 * not even compared with those of another.
 */
export class StorageCache {
  /** Plugin, then partition; least recently used plugin areas are found through `#order`. */
  readonly #plugins = new Map<string, Map<string, CachedArea>>();
  /** Oldest use first. */
  readonly #order = new Map<CachedArea, StorageArea>();
  #bytes = 0;

  /** `undefined` when the cache does not know; then `value` is what the store holds, perhaps nothing. */
  get(area: StorageArea, key: string): { readonly value: StoredValue | undefined } | undefined {
    const cached = this.#plugins.get(area.pluginId)?.get(area.partition);
    const entry = cached?.entries.get(key);
    if (cached === undefined || entry === undefined) return undefined;
    // Reading counts as use, for the entry within its area and for the area among others.
    cached.entries.delete(key);
    cached.entries.set(key, entry);
    this.#order.delete(cached);
    this.#order.set(cached, area);
    return entry;
  }

  beginRead(area: StorageArea): Ticket {
    const cached = this.#areaOf(area);
    return { area: cached, changes: cached.changes };
  }

  /** Takes what the store answered, unless a write came between. */
  endRead({ area, changes }: Ticket, key: string, value: StoredValue | undefined): void {
    if (area.changes === changes) this.#set(area, key, value);
  }

  beginWrite(area: StorageArea, keys: Iterable<string>): Ticket {
    const cached = this.#areaOf(area);
    cached.changes += 1;
    for (const key of keys) this.#drop(cached, key);
    return { area: cached, changes: cached.changes };
  }

  /** Takes what was written. With other writes under way nobody knows which came last, so nothing is kept. */
  endWrite({ area, changes }: Ticket, written: ReadonlyMap<string, StoredValue | undefined>): void {
    const isLast = area.changes === changes;
    area.changes += 1;
    if (!isLast) return;
    for (const [key, value] of written) this.#set(area, key, value);
  }

  /** The write did not happen. */
  abandonWrite({ area }: Ticket): void {
    area.changes += 1;
  }

  /** Forgets a plugin. Reads and writes under way fill an area that nobody finds any more. */
  forget(pluginId: string): void {
    for (const cached of this.#plugins.get(pluginId)?.values() ?? []) this.#discard(cached);
    this.#plugins.delete(pluginId);
  }

  #areaOf(area: StorageArea): CachedArea {
    let areas = this.#plugins.get(area.pluginId);
    if (areas === undefined) this.#plugins.set(area.pluginId, (areas = new Map()));
    let cached = areas.get(area.partition);
    if (cached === undefined) {
      cached = { entries: new Map(), bytes: 0, changes: 0 };
      areas.set(area.partition, cached);
    }
    this.#order.delete(cached);
    this.#order.set(cached, area);
    return cached;
  }

  #set(area: CachedArea, key: string, value: StoredValue | undefined): void {
    if (!this.#order.has(area)) return; // Forgotten since.
    this.#drop(area, key);
    const size = sizeOf(key, value);
    if (size > MAX_AREA_BYTES) return;
    area.entries.set(key, { value, size });
    area.bytes += size;
    this.#bytes += size;
    for (const oldest of area.entries.keys()) {
      if (area.bytes <= MAX_AREA_BYTES) break;
      this.#drop(area, oldest);
    }
    for (const [oldest, { pluginId, partition }] of this.#order) {
      if (this.#bytes <= MAX_BYTES || oldest === area) break;
      this.#discard(oldest);
      this.#plugins.get(pluginId)?.delete(partition);
    }
  }

  #drop(area: CachedArea, key: string): void {
    const entry = area.entries.get(key);
    if (entry === undefined) return;
    area.entries.delete(key);
    area.bytes -= entry.size;
    if (this.#order.has(area)) this.#bytes -= entry.size;
  }

  #discard(area: CachedArea): void {
    this.#order.delete(area);
    this.#bytes -= area.bytes;
    area.entries.clear();
    area.bytes = 0;
  }
}

/** Two bytes for each character: what V8 needs at most. */
function sizeOf(key: string, value: StoredValue | undefined): number {
  const bytes = value?.bytes.reduce((sum, section) => sum + section.length, 0) ?? 0;
  return ENTRY_BYTES + 2 * (key.length + (value?.text.length ?? 0)) + bytes;
}
