/** Most bytes of one item, as it crosses. */
export const MAX_ITEM_BYTES = 1_048_576;
/** Items, and their bytes, that may have been sent without having been taken: then the plugin is asked for no more. */
export const WINDOW_ITEMS = 16;
export const WINDOW_BYTES = 1_048_576;

/** What of a stream was sent and not taken yet. Both ends keep one; the sender's is never behind. */
export class StreamWindow {
  readonly #sizes: number[] = [];
  #bytes = 0;

  /** Whether the plugin may be asked for another item. */
  get isOpen(): boolean {
    return this.#sizes.length < WINDOW_ITEMS && this.#bytes < WINDOW_BYTES;
  }

  sent(sizeBytes: number): void {
    this.#sizes.push(sizeBytes);
    this.#bytes += sizeBytes;
  }

  /** The oldest item was taken. */
  taken(): void {
    this.#bytes -= this.#sizes.shift() ?? 0;
  }
}
