import type { ItemStream } from "@berth/sandbox";
import type { WireValue } from "@berth/wire";

/** A call that streams, as whoever takes its items sees it. */
export interface StreamedCall {
  readonly items: ItemStream;
  /**
   * Makes the call; ends when the stream has, or fails as it does. `left` fires when nobody takes items any more;
   * `faultOf` tells what was wrong with an item, if that is why.
   */
  run(left: AbortSignal, faultOf: () => unknown): Promise<void>;
  /** @throws what is wrong with an item */
  read(item: WireValue): unknown;
}

/**
 * Items of a call, taken one by one: `for await` is the usual way. The call begins with the first `next`; `return`
 * ends it at once, also while an item is waited for, and resolves when it was journalled.
 */
export class StreamedItems implements AsyncIterableIterator<unknown, undefined, undefined>, AsyncDisposable {
  readonly #call: StreamedCall;
  readonly #left = new AbortController();
  #whole: Promise<void> | undefined;
  #fault: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(call: StreamedCall) {
    this.#call = call;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver) return OVER;
    this.#whole ??= this.#run();
    const item = await this.#call.items.take();
    if (item === undefined || this.#left.signal.aborted) {
      const isOver = this.#isOver;
      this.#isOver = true;
      // Only one of those who wait hears of a failure, as with a generator.
      if (!isOver) await this.#whole;
      return OVER;
    }
    try {
      return { done: false, value: this.#call.read(item) };
    } catch (error) {
      this.#isOver = true;
      this.#fault = { error };
      this.#left.abort();
      await this.#whole;
      throw error;
    }
  }

  async return(): Promise<IteratorResult<unknown, undefined>> {
    this.#isOver = true;
    this.#left.abort();
    // How it ends is nobody's news any more.
    await this.#whole?.catch(() => undefined);
    return OVER;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  #run(): Promise<void> {
    const whole = this.#runWhole();
    whole.catch(() => undefined); // Whoever takes the last item hears of it.
    return whole;
  }

  async #runWhole(): Promise<void> {
    const { signal } = this.#left;
    try {
      await this.#call.run(signal, () => this.#fault?.error);
    } finally {
      this.#call.items.end();
    }
  }
}

const OVER = { done: true, value: undefined } as const;
