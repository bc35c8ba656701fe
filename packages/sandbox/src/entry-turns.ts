import { FairQueue } from "./fair-queue.ts";

/** How long entries run before the pipe and timers have their turn, milliseconds. */
const SLICE_MS = 5;

/**
 * Lets compartments of one process enter in turns: what came first for one of them does not come before what
 * came for a neighbour while it was at work. The order within a compartment stays.
 */
export class EntryTurns {
  readonly #entries = new FairQueue<number, () => void>();
  readonly #now: () => number;
  readonly #later: (run: () => void) => void;
  #isScheduled = false;

  /** `later` runs what it is given after the pipe was read again. */
  constructor(now: () => number, later: (run: () => void) => void) {
    this.#now = now;
    this.#later = later;
  }

  /** Whether nobody waits. */
  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  add(compartment: number, entry: () => void): void {
    this.#entries.push(compartment, entry);
    this.#schedule();
  }

  /** What waits for a compartment that is gone is nobody's. */
  drop(compartment: number): void {
    this.#entries.drop(compartment);
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#later(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #run(): void {
    const until = this.#now() + SLICE_MS;
    do {
      const entry = this.#entries.shift();
      if (entry === undefined) return;
      entry();
    } while (this.#now() < until);
    if (this.#entries.size > 0) this.#schedule();
  }
}
