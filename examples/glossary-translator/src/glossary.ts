import type { Storage } from "@berth/sdk";

import type { Plugin } from "./berth.gen.js";

export type Term = Plugin["actions"]["put_terms"]["input"]["terms"][number];

/** Two languages, from which and to which is translated. */
export interface Pair {
  readonly from: string;
  readonly to: string;
}

/** So many terms one glossary holds: a text is searched for all of them. */
const MAX_TERMS = 5_000;
const PAGE = 1_000;
/** Reads and writes under way at once. */
const AT_ONCE = 64;

/** The glossary of one pair of languages, one key for each term, so that two writers never undo each other. */
export class Glossary {
  readonly #storage: Storage;
  readonly #prefix: string;

  constructor(storage: Storage, { from, to }: Pair) {
    this.#storage = storage;
    this.#prefix = `terms/${from.toLowerCase()}/${to.toLowerCase()}/`;
  }

  /** Adds or replaces terms. */
  async put(terms: readonly Term[]): Promise<{ added: number; replaced: number; total: number }> {
    const before = new Set(await this.#keys());
    const byKey = new Map(terms.map((term) => [this.#keyOf(term.source), term]));
    const added = [...byKey.keys()].filter((key) => !before.has(key)).length;
    if (before.size + added > MAX_TERMS) {
      throw new Error(`a glossary holds ${MAX_TERMS} terms, there are ${before.size} already and ${added} would come`);
    }
    await inBatches([...byKey], ([key, term]) => this.#storage.put(key, term));
    return { added, replaced: byKey.size - added, total: before.size + added };
  }

  /** How many of the terms were there. */
  async remove(sources: readonly string[]): Promise<number> {
    const keys = [...new Set(sources.map((source) => this.#keyOf(source)))];
    const removed = await inBatches(keys, (key) => this.#storage.delete(key));
    return removed.filter(Boolean).length;
  }

  /** Terms in alphabetical order. */
  async list({
    prefix = "",
    after,
    limit = 100,
  }: Omit<Plugin["actions"]["list_terms"]["input"], keyof Pair>): Promise<{ terms: Term[]; hasMore: boolean }> {
    const page = await this.#storage.list({
      prefix: `${this.#prefix}${fold(prefix)}`,
      limit,
      ...(after !== undefined && { after: this.#keyOf(after) }),
    });
    return { terms: await this.#read(page.keys), hasMore: page.hasMore };
  }

  /** Every term. */
  async all(): Promise<Term[]> {
    return this.#read(await this.#keys());
  }

  async #read(keys: readonly string[]): Promise<Term[]> {
    const values = await inBatches(keys, (key) => this.#storage.get(key));
    return values.filter(isTerm);
  }

  async #keys(): Promise<string[]> {
    const keys: string[] = [];
    for (let hasMore = true; hasMore;) {
      const after = keys.at(-1);
      const page = await this.#storage.list({
        prefix: this.#prefix,
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      keys.push(...page.keys);
      ({ hasMore } = page);
    }
    return keys;
  }

  #keyOf(source: string): string {
    const key = `${this.#prefix}${fold(source)}`;
    if (key.length > 256) throw new Error(`the term "${source.slice(0, 40)}…" is too long`);
    return key;
  }
}

/** Terms are the same when they differ in case, in spaces or in how an accent is written. */
export function fold(text: string): string {
  return text.normalize("NFKC").toLowerCase().replaceAll(/\s+/gu, " ").trim();
}

async function inBatches<Item, Result>(
  items: readonly Item[],
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...(await Promise.all(items.slice(at, at + AT_ONCE).map(run))));
  }
  return results;
}

const isTerm = (value: unknown): value is Term =>
  typeof value === "object" && value !== null && "source" in value && "target" in value;
