/** What a budget reads; both in milliseconds. */
export interface Clocks {
  wallMs(): number;
  /** CPU time of this thread. Reading it costs as much as a small call. */
  cpuMs(): number;
}

/** How old the last reading of the CPU clock may be when a call begins. */
const MAX_MARK_AGE_MS = 5;
/** Calls shorter than this are charged the time they took. */
const SHORT_MS = 1;

/**
 * CPU time of one call, over all its entries into the machine; the thread does nothing else meanwhile. The CPU
 * clock is asked only when the call took longer than its budget: on a busy machine it may have waited.
 */
export class CpuBudget {
  readonly #clocks: Clocks;
  #budgetMs = 0;
  #startedAt = 0;
  /** At most `MAX_MARK_AGE_MS` before the call began, so it is charged that much too much at most. */
  #mark = { wallMs: Number.NEGATIVE_INFINITY, cpuMs: 0 };
  #isOverdrawn = false;

  constructor(clocks: Clocks) {
    this.#clocks = clocks;
  }

  /** Begins a call with the whole budget. */
  fill(budgetMs: number): void {
    const wallMs = this.#clocks.wallMs();
    if (wallMs - this.#mark.wallMs > MAX_MARK_AGE_MS) this.#mark = { wallMs, cpuMs: this.#clocks.cpuMs() };
    this.#startedAt = wallMs;
    this.#budgetMs = budgetMs;
    this.#isOverdrawn = false;
  }

  /** What the call has used so far, milliseconds; never more than the time it took. */
  usedMs(): number {
    const tookMs = this.#clocks.wallMs() - this.#startedAt;
    return tookMs < SHORT_MS ? tookMs : Math.min(tookMs, this.#clocks.cpuMs() - this.#mark.cpuMs);
  }

  /** Asked during and after each entry. Once true it stays true until the next call. */
  isOverdrawn(): boolean {
    if (this.#isOverdrawn) return true;
    if (this.#clocks.wallMs() - this.#startedAt <= this.#budgetMs) return false;
    this.#isOverdrawn = this.#clocks.cpuMs() - this.#mark.cpuMs > this.#budgetMs;
    return this.#isOverdrawn;
  }
}
