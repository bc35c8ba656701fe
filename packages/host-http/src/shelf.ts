import { randomBytes } from "node:crypto";

const KEPT_MS = 600_000;

interface Kept<Value> {
  readonly value: Value;
  readonly until: number;
}

/** Keeps a few things under names that cannot be guessed, until they are taken once or too old. */
export class Shelf<Value> {
  readonly #places: number;
  readonly #clock: () => number;
  readonly #kept = new Map<string, Kept<Value>>();

  constructor(places: number, clock: () => number = () => performance.now()) {
    this.#places = places;
    this.#clock = clock;
  }

  /** Puts a thing down; the oldest makes room. */
  put(value: Value): string {
    const [oldest] = this.#kept.keys();
    if (oldest !== undefined && this.#kept.size >= this.#places) this.#kept.delete(oldest);
    const id = randomBytes(16).toString("hex");
    this.#kept.set(id, { value, until: this.#clock() + KEPT_MS });
    return id;
  }

  /** Takes a thing away: whoever comes second finds nothing. */
  take(id: string): Value | undefined {
    const kept = this.#kept.get(id);
    this.#kept.delete(id);
    return kept === undefined || kept.until < this.#clock() ? undefined : kept.value;
  }
}
