import type { Context, Storage } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";
import { cut } from "./sentences.ts";

type Page = Plugin["actions"]["history"]["output"];
type Run = Page["runs"][number];

const PREFIX = "run/";
/** Older runs are forgotten. */
const KEPT_RUNS = 500;
const PAGE = 1_000;

/** What one caller asked before. Callers without a partition share one history: the plugin's own. */
export class History {
  readonly #storage: Storage;

  private constructor(storage: Storage) {
    this.#storage = storage;
  }

  /** The history of this call's caller. */
  static async open({ user, storage }: Pick<Context, "user" | "storage">): Promise<History> {
    try {
      await user.storage.list({ limit: 1 });
      return new History(user.storage);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "BROKER_NO_CALLER") return new History(storage);
      throw error;
    }
  }

  /** Notes a run; keys sort by time. */
  async note(action: string, task: string, result: string): Promise<void> {
    const at = new Date().toISOString();
    const id = `${at}-${Math.random().toString(36).slice(2, 10).padEnd(8, "0")}`;
    const run: Run = { id, at, action, task: cut(task, 200), result: cut(result, 400) };
    await this.#storage.put(`${PREFIX}${id}`, run);
    const keys = await this.#keys();
    await this.#remove(keys.slice(0, Math.max(0, keys.length - KEPT_RUNS)));
  }

  /** Newest first; `before` is the id of the last run seen. */
  async read({ limit = 20, before }: Plugin["actions"]["history"]["input"]): Promise<Page> {
    const keys = (await this.#keys()).filter((key) => before === undefined || key < `${PREFIX}${before}`);
    const runs = await Promise.all(keys.slice(-limit).map((key) => this.#storage.get(key)));
    return { runs: runs.filter(isRun).toReversed(), hasMore: keys.length > limit };
  }

  /** How many runs were erased. */
  async forget(): Promise<number> {
    const keys = await this.#keys();
    await this.#remove(keys);
    return keys.length;
  }

  async #keys(): Promise<string[]> {
    const keys: string[] = [];
    for (let hasMore = true; hasMore;) {
      const after = keys.at(-1);
      const page = await this.#storage.list({ prefix: PREFIX, limit: PAGE, ...(after !== undefined && { after }) });
      keys.push(...page.keys);
      ({ hasMore } = page);
    }
    return keys;
  }

  async #remove(keys: readonly string[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#storage.delete(key)));
  }
}

const isRun = (value: unknown): value is Run => typeof value === "object" && value !== null && "task" in value;
