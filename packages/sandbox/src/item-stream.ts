import type { WireValue } from "@berth/wire";

/** An item that came: being looked at, or ready to be taken. */
type Entry<Item> = { readonly item: Promise<Item> } | { readonly ready: Item };

/**
 * The items of one call that streams, between the process that sends them and the one who takes them: at most what a
 * `StreamWindow` lets pass waits here. Made by whoever calls, and given to the call.
 */
export class ItemStream<Item = WireValue> {
  readonly #read: (value: WireValue) => Item | Promise<Item>;
  readonly #onFault: (error: unknown) => void;
  #entries: Entry<Item>[] = [];
  #onTaken: (() => void) | undefined;
  #wakes: (() => void)[] = [];
  #hasEnded = false;
  #hasFault = false;

  /**
   * `read` looks at items when they come, at once or in its own time. What it throws goes to `onFault`, once, and
   * neither that item nor any after it follows.
   */
  constructor(read: (value: WireValue) => Item | Promise<Item>, onFault: (error: unknown) => void) {
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
      const item = this.#read(value);
      if (item instanceof Promise) this.#wait({ item });
      else this.#entries.push({ ready: item });
    } catch (error) {
      return this.#fail(error);
    }
    this.#awake();
  }

  /** Nothing comes any more; what waits may still be taken. */
  end(): void {
    this.#hasEnded = true;
    this.#awake();
  }

  /** Resolves when no item is being looked at. */
  async whenRead(): Promise<void> {
    while (this.#entries.some((entry) => "item" in entry)) await this.#change();
  }

  /** The next item, or `undefined` when there is none any more. */
  async take(): Promise<{ readonly value: Item } | undefined> {
    for (;;) {
      const [next] = this.#entries;
      if (next !== undefined && "ready" in next) {
        this.#entries.shift();
        this.#onTaken?.();
        return { value: next.ready };
      }
      if (next === undefined && this.#hasEnded) return undefined;
      await this.#change();
    }
  }

  #wait(entry: { readonly item: Promise<Item> }): void {
    this.#entries.push(entry);
    entry.item.then(
      (ready) => {
        // It may be gone, with an earlier one that was not what it should be.
        const index = this.#entries.indexOf(entry);
        if (index !== -1) this.#entries[index] = { ready };
        this.#awake();
      },
      (error: unknown) => {
        const index = this.#entries.indexOf(entry);
        if (index === -1) return;
        this.#entries = this.#entries.slice(0, index);
        this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    this.end();
    if (this.#hasFault) return;
    this.#hasFault = true;
    this.#onFault(error);
  }

  #change(): Promise<void> {
    return new Promise<void>((wake) => void this.#wakes.push(wake));
  }

  #awake(): void {
    const wakes = this.#wakes;
    this.#wakes = [];
    for (const wake of wakes) wake();
  }
}
