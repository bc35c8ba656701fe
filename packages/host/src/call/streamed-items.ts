import { ItemStream } from "@berth/sandbox";
import type { WireValue } from "@berth/wire";

/** A call that streams, as whoever takes its items sees it. */
export interface StreamedCall {
  /**
   * Makes the call; ends when the stream has, or fails as it does. `left` fires when nobody wants items any more, be it
   * because one was not what it should be.
   */
  run(items: ItemStream<unknown>, left: AbortSignal): Promise<void>;
  /**
   * Looks at an item when it comes.
   *
   * @throws what is wrong with it, at once or later
   */
  read(item: WireValue): unknown;
}

/**
 * Items of a call, taken one by one: `for await` is the usual way. The call begins with the first `next`; `return`
 * ends it at once, also while an item is waited for, and resolves when it was journalled.
 */
export class StreamedItems implements AsyncIterableIterator<unknown, undefined, undefined>, AsyncDisposable {
  readonly #call: StreamedCall;
  readonly #items: ItemStream<unknown>;
  readonly #left = new AbortController();
  #whole: Promise<void> | undefined;
  #fault: { readonly error: unknown } | undefined;
  #isOver = false;

  constructor(call: StreamedCall) {
    this.#call = call;
    this.#items = new ItemStream<unknown>(
      (item) => call.read(item),
      (error) => {
        this.#fault = { error };
        this.#left.abort();
      },
    );
  }

  /** What was wrong with an item, if anything was: once all were looked at. */
  async verify(): Promise<void> {
    await this.#items.whenRead();
    if (this.#fault !== undefined) throw this.#fault.error;
  }

  async next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isOver) return OVER;
    this.#whole ??= this.#run();
    const item = await this.#items.take();
    if (this.#isOver) return OVER;
    if (item !== undefined) return { done: false, value: item.value };
    // Only the first of those who wait hears how it ended, as with a generator.
    this.#isOver = true;
    await this.#whole;
    return OVER;
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
    const whole = this.#call.run(this.#items, this.#left.signal).finally(() => this.#items.end());
    whole.catch(() => undefined); // Whoever asks for what follows the last item hears of it.
    return whole;
  }
}

const OVER = { done: true, value: undefined } as const;
