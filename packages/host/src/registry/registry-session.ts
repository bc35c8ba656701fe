import { RegistryClient } from "@berth/client";
import type { AnswerCache, ClientPowers } from "@berth/client";
import type { Store } from "@berth/store";

import type { PublisherBinding, RegistryBook, RegistryRecord } from "./registry-book.ts";
import { StoredMemory } from "./stored-memory.ts";

/** A registry with a client for it, during one plan. */
export interface OpenRegistry extends RegistryRecord {
  readonly client: RegistryClient;
}

/** The registries and bindings as they are while one plan is made. */
export class RegistrySession {
  /** By priority. */
  readonly registries: readonly OpenRegistry[];
  readonly bindings: ReadonlyMap<string, PublisherBinding>;
  readonly #memories: readonly StoredMemory[];
  readonly #store: Store;

  private constructor(
    store: Store,
    registries: readonly OpenRegistry[],
    bindings: readonly PublisherBinding[],
    memories: readonly StoredMemory[],
  ) {
    this.#store = store;
    this.registries = registries;
    this.bindings = new Map(bindings.map((binding) => [binding.publisher, binding]));
    this.#memories = memories;
  }

  static async open(parts: {
    readonly store: Store;
    readonly book: RegistryBook;
    readonly powers: ClientPowers;
    readonly cache: AnswerCache;
  }): Promise<RegistrySession> {
    const { store, book, powers, cache } = parts;
    const [records, bindings] = await Promise.all([book.list(), book.bindings()]);
    const memories: StoredMemory[] = [];
    const registries = records.map((record) => {
      const memory = new StoredMemory(store, record.url);
      memories.push(memory);
      const url = new URL(record.url);
      return { ...record, client: new RegistryClient({ url, powers, memory, cache }) };
    });
    return new RegistrySession(store, registries, bindings, memories);
  }

  /** Writes down what was seen, so that the next plan notices a registry that goes back. */
  async remember(): Promise<void> {
    const notes = this.#memories.flatMap((memory) => memory.takeNotes());
    if (notes.length > 0) await this.#store.transaction(notes);
  }
}
