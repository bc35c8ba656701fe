import type { WireValue } from "@berth/wire";

/**
 * The items of one call that streams, between the process that sends them and the one who takes them: at most what a
 * `StreamWindow` lets pass waits here. Made by whoever calls, and given to the call.
 */
export class ItemStream {
  readonly #items: WireValue[] = [];
  #onTaken: (() => void) | undefined;
  #wakes: (() => void)[] = [];
  #hasEnded = false;

  /** The process is asked. `onTaken` hears of every item that was taken. */
  begin(onTaken: () => void): void {
    this.#onTaken = onTaken;
  }

  push(item: WireValue): void {
    this.#items.push(item);
    this.#awake();
  }

  /** Nothing comes any more; what waits may still be taken. */
  end(): void {
    this.#hasEnded = true;
    this.#awake();
  }

  /** The next item, or `undefined` when there is none any more. */
  async take(): Promise<WireValue | undefined> {
    while (this.#items.length === 0 && !this.#hasEnded) await new Promise<void>((wake) => void this.#wakes.push(wake));
    const item = this.#items.shift();
    if (item !== undefined) this.#onTaken?.();
    return item;
  }

  #awake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
