import type { Delivery } from "./delivery-rows.ts";
import type { Subscribers } from "./subscribers.ts";

/** Events that wait for one subscriber; what comes beyond them is dropped. */
const MAX_WAITING = 256;
/** Events that one subscriber handles at a time. */
export const MAX_AT_A_TIME = 4;

interface Line {
  readonly waiting: Delivery[];
  underWay: number;
}

/** What the queue does with an event. `fail` hears what a handler failed with, or `undefined` when it was dropped. */
export interface EphemeralParts {
  readonly deliver: Subscribers["deliver"];
  readonly fail: (subscriber: string, delivery: Delivery, error: unknown) => void;
}

/** Delivers at most once, to whoever is there. Nothing survives the process. */
export class EphemeralQueue {
  readonly #parts: EphemeralParts;
  readonly #lines = new Map<string, Line>();
  #isClosed = false;

  constructor(parts: EphemeralParts) {
    this.#parts = parts;
  }

  push(subscriber: string, delivery: Delivery): void {
    let line = this.#lines.get(subscriber);
    if (line === undefined) this.#lines.set(subscriber, (line = { waiting: [], underWay: 0 }));
    if (line.waiting.length >= MAX_WAITING) return this.#parts.fail(subscriber, delivery, undefined);
    line.waiting.push(delivery);
    this.#next(subscriber, line);
  }

  #next(subscriber: string, line: Line): void {
    while (!this.#isClosed && line.underWay < MAX_AT_A_TIME) {
      const delivery = line.waiting.shift();
      if (delivery === undefined) break;
      line.underWay += 1;
      void this.#run(subscriber, line, delivery);
    }
    if (line.underWay === 0 && line.waiting.length === 0) this.#lines.delete(subscriber);
  }

  async #run(subscriber: string, line: Line, delivery: Delivery): Promise<void> {
    try {
      // What failed is told by its code alone.
      await this.#parts.deliver(subscriber, delivery, () => undefined);
    } catch (error) {
      if (!this.#isClosed) this.#parts.fail(subscriber, delivery, error);
    }
    line.underWay -= 1;
    this.#next(subscriber, line);
  }

  close(): void {
    this.#isClosed = true;
    this.#lines.clear();
  }
}
