/**
 * A queue of queues: whoever has something waiting has its turn before anybody has a second one. A thousand
 * items of one key never hold up one item of another by more than one item.
 */
export class FairQueue<Key, Item> {
  /** In order of turns. A key without items has no entry. */
  readonly #lines = new Map<Key, Set<Item>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** An item stands in a key's line at most once. */
  push(key: Key, item: Item): void {
    let line = this.#lines.get(key);
    if (line === undefined) this.#lines.set(key, (line = new Set()));
    if (line.has(item)) return;
    line.add(item);
    this.#size += 1;
  }

  /** The first item of the key whose turn it is; that key goes to the end. */
  shift(): Item | undefined {
    const [turn] = this.#lines;
    if (turn === undefined) return undefined;
    const [key, line] = turn;
    const [item] = line;
    this.#lines.delete(key);
    line.delete(item as Item);
    this.#size -= 1;
    if (line.size > 0) this.#lines.set(key, line);
    return item;
  }

  /** Answers whether the item was waiting. */
  remove(key: Key, item: Item): boolean {
    const line = this.#lines.get(key);
    if (line?.delete(item) !== true) return false;
    this.#size -= 1;
    if (line.size === 0) this.#lines.delete(key);
    return true;
  }

  /** Forgets everything of a key. */
  drop(key: Key): void {
    this.#size -= this.#lines.get(key)?.size ?? 0;
    this.#lines.delete(key);
  }

  /** How many items of a key wait. */
  countOf(key: Key): number {
    return this.#lines.get(key)?.size ?? 0;
  }
}
