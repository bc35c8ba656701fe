/** Longest text of one line, in characters. */
export const MAX_LINE_LENGTH = 8_192;
const WINDOW_MS = 1_000;

/** Lets so many lines of a log pass in a second, and counts the rest. The clock is the caller's. */
export class LogGate {
  readonly #linesPerSecond: number;
  #windowFrom = Number.NEGATIVE_INFINITY;
  #passed = 0;
  #dropped = 0;

  constructor(linesPerSecond: number) {
    this.#linesPerSecond = linesPerSecond;
  }

  /** Whether a line may pass; `droppedBefore` is how many did not since the last one that did. */
  admit(nowMs: number): { readonly passes: boolean; readonly droppedBefore: number } {
    if (nowMs - this.#windowFrom >= WINDOW_MS) {
      this.#windowFrom = nowMs;
      this.#passed = 0;
    }
    if (this.#passed >= this.#linesPerSecond) {
      this.#dropped += 1;
      return { passes: false, droppedBefore: 0 };
    }
    this.#passed += 1;
    const droppedBefore = this.#dropped;
    this.#dropped = 0;
    return { passes: true, droppedBefore };
  }
}
