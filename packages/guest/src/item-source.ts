/** Taken before any code of the plugin can replace it. */
const { apply } = Reflect;

/** Most bytes of one item, as JSON text in UTF-8 and byte sections. The sandbox host ends a guest that posts more. */
export const MAX_ITEM_BYTES = 1_048_576;

interface AnyIterator {
  next(): unknown;
  return?(): unknown;
}

/** The items of one stream, in the order in which they are asked for. */
export class ItemSource {
  readonly #iterator: Promise<AnyIterator>;

  /** `answer`: what the handler of an action that streams returned. */
  constructor(action: string, answer: unknown) {
    this.#iterator = Promise.resolve(answer).then((value) => iteratorOf(action, value));
    this.#iterator.catch(() => undefined); // Whoever asks for an item hears of it.
  }

  async next(): Promise<{ readonly isOver: boolean; readonly value: unknown }> {
    const result = (await (await this.#iterator).next()) as { done?: unknown; value?: unknown };
    return { isOver: Boolean(result.done), value: await result.value };
  }

  /** Nobody wants more: what the plugin would do at the end, it does now. */
  async leave(): Promise<void> {
    const iterator = await this.#iterator;
    if (typeof iterator.return === "function") await iterator.return();
  }
}

function iteratorOf(action: string, value: unknown): AnyIterator {
  if (typeof value === "object" && value !== null) {
    const { [Symbol.asyncIterator]: makeAsync, [Symbol.iterator]: make } = value as Record<symbol, unknown>;
    if (typeof makeAsync === "function") return apply(makeAsync, value, []) as AnyIterator;
    if (typeof make === "function") return apply(make, value, []) as AnyIterator;
  }
  throw new TypeError(
    `The action ${action} streams, so its handler has to be an async generator or return an iterable`,
  );
}

/** @throws RangeError when an item has more bytes than one may have */
export function verifyItemSize(text: string, bytes: readonly Uint8Array[]): void {
  let size = 0;
  for (const section of bytes) size += section.length;
  // A UTF-16 unit has at most three bytes: short texts need not be counted.
  size += size + text.length * 3 <= MAX_ITEM_BYTES ? 0 : utf8Length(text);
  if (size > MAX_ITEM_BYTES)
    throw new RangeError(`An item of a stream has ${size} bytes, at most ${MAX_ITEM_BYTES} cross`);
}

function utf8Length(text: string): number {
  let size = 0;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    // Half of a surrogate pair: two of them have four bytes.
    const isHalf = unit >= 0xd800 && unit < 0xe000;
    size += unit < 0x80 ? 1 : unit < 0x800 || isHalf ? 2 : 3;
  }
  return size;
}
