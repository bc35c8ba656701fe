import type { WireValue } from "@berth/wire";

/**
 * The items of one call that streams, between the process that sends them and the one who takes them: at most what a
 * `StreamWindow` lets pass waits here. Made by whoever calls, and given to the call.
 */
export class ItemStream<Item = WireValue> {
  readonly #read: (value: WireValue) => Item;
  readonly #onFault: (error: unknown) => void;
  readonly #items: Item[] = [];
  #onTaken: (() => void) | undefined;
  #wakes: (() => void)[] = [];
  #hasEnded = false;

  /** `read` looks at items when they come. What it throws goes to `onFault`, once, and no item follows. */
  constructor(read: (value: WireValue) => Item, onFault: (error: unknown) => void) {
    this.#read = read;
    this.#onFault = onFault;
  }

  /** The process is asked. `onTaken` hears of every item that was taken. */
  begin(onTaken: () => void): void {
    this.#onTaken = onTaken;
  }

  push(value: WireValue): void {
    if (this.#hasEnded) return;
    try {
      this.#items.push(this.#read(value));
    } catch (error) {
      this.end();
      return this.#onFault(error);
    }
    this.#awake();
  }

  /** Nothing comes any more; what waits may still be taken. */
  end(): void {
    this.#hasEnded = true;
    this.#awake();
  }

  /** The next item, or `undefined` when there is none any more. */
  async take(): Promise<{ readonly value: Item } | undefined> {
    while (this.#items.length === 0 && !this.#hasEnded) await new Promise<void>((wake) => void this.#wakes.push(wake));
    if (this.#items.length === 0) return undefined;
    const value = this.#items.shift() as Item;
    this.#onTaken?.();
    return { value };
  }

  #awake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
