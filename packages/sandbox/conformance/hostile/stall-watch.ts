const TICK_MS = 2;

/** Measures how long the event loop of this process is kept from its turns. */
export class StallWatch implements Disposable {
  readonly #timer: NodeJS.Timeout;
  readonly #longerThanMs: number;
  #lastAt = performance.now();
  #longestMs = 0;
  #stalls = 0;
  #isPaused = false;

  /** Stalls longer than this are counted. */
  constructor(longerThanMs = 20) {
    this.#longerThanMs = longerThanMs;
    this.#timer = setInterval(() => this.#tick(), TICK_MS);
    this.#timer.unref();
  }

  /** Work of the measuring program itself follows, which is nobody's stall. */
  pause(): void {
    this.#tick();
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#lastAt = performance.now();
  }

  #tick(): void {
    if (this.#isPaused) return;
    const now = performance.now();
    const lateMs = now - this.#lastAt - TICK_MS;
    this.#lastAt = now;
    this.#longestMs = Math.max(this.#longestMs, lateMs);
    if (lateMs > this.#longerThanMs) this.#stalls += 1;
  }

  /** The longest stall since the last time this was asked, milliseconds. */
  takeLongestMs(): number {
    this.#tick();
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  /** How many stalls were longer than they should be. */
  get stalls(): number {
    return this.#stalls;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}
