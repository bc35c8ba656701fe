import { watch } from "node:fs";
import type { FSWatcher } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/** Editors write a file in several steps, and several files at a time. */
const QUIET_MS = 120;
/** Folders below one plugin that are watched; each costs the system a watch. */
const MAX_FOLDERS = 1_000;
/** What no plugin's source is in. */
const IGNORED = /^(?:node_modules|\..*)$/;

/**
 * Tells when something below a folder changed and nothing changed any more for a moment. Neither hidden folders
 * nor node_modules count. Folders that come later are watched as well.
 */
export class FolderWatch implements Disposable {
  readonly #path: string;
  readonly #onChange: () => void;
  readonly #onFault: (error: unknown) => void;
  readonly #watchers = new Map<string, FSWatcher>();
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;

  constructor(path: string, onChange: () => void, onFault: (error: unknown) => void) {
    this.#path = path;
    this.#onChange = onChange;
    this.#onFault = onFault;
  }

  /** Resolves when everything that is there now is watched. */
  async begin(): Promise<void> {
    await this.#follow();
  }

  async #follow(): Promise<void> {
    const found = new Set([this.#path]);
    for (const folder of found) {
      const entries = await readdir(folder, { withFileTypes: true }).catch(() => []); // Gone meanwhile.
      for (const entry of entries) {
        if (entry.isDirectory() && !IGNORED.test(entry.name)) found.add(join(folder, entry.name));
      }
      if (found.size > MAX_FOLDERS) {
        this.#onFault(new Error(`${this.#path} has more than ${MAX_FOLDERS} folders to watch`));
        break;
      }
    }
    if (this.#isDisposed) return;
    for (const [folder, watcher] of this.#watchers) {
      if (found.has(folder)) continue;
      watcher.close();
      this.#watchers.delete(folder);
    }
    for (const folder of [...found].slice(0, MAX_FOLDERS)) if (!this.#watchers.has(folder)) this.#watch(folder);
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => {
        if (name === null || !IGNORED.test(name)) this.#note();
      });
      // A folder that is removed ends its watch; the next look finds out.
      watcher.on("error", () => this.#note());
      this.#watchers.set(folder, watcher);
    } catch (error) {
      this.#onFault(error);
    }
  }

  #note(): void {
    if (this.#isDisposed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#follow().then(() => {
        if (!this.#isDisposed) this.#onChange();
      }, this.#onFault);
    }, QUIET_MS);
    this.#timer.unref();
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }
}
