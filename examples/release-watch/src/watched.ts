import type { Storage } from "@berth/sdk";

const PREFIX = "repository/";

/** The repositories that are watched, each with the latest tag that was seen; `null` before the first look. */
export class Watched {
  readonly #storage: Storage;

  constructor(storage: Storage) {
    this.#storage = storage;
  }

  async add(repository: string): Promise<void> {
    await this.#storage.compareAndSet(keyOf(repository), undefined, null);
  }

  async remove(repository: string): Promise<void> {
    await this.#storage.delete(keyOf(repository));
  }

  async names(): Promise<string[]> {
    const { keys } = await this.#storage.list({ prefix: PREFIX, limit: 1_000 });
    return keys.map((key) => key.slice(PREFIX.length));
  }

  async tagOf(repository: string): Promise<string | null> {
    const tag = await this.#storage.get(keyOf(repository));
    return typeof tag === "string" ? tag : null;
  }

  async note(repository: string, tag: string): Promise<void> {
    await this.#storage.put(keyOf(repository), tag);
  }
}

/** GitHub takes names in either case for the same. */
const keyOf = (repository: string): string => PREFIX + repository.toLowerCase();
