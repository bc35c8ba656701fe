import { DEFAULT_LIMITS } from "@berth/spec";

import { GuestIsolate } from "./guest-isolate.ts";
import type { GuestLibrary } from "./guest-isolate.ts";

/**
 * Isolates for compartments: at most one stands ready, made in a moment when nobody waited. An isolate is handed
 * out once and never comes back, so none has seen the code of another compartment.
 */
export class IsolateStock {
  readonly #library: GuestLibrary;
  #ready: GuestIsolate | undefined;
  /** What was asked for last; the next compartment of a process is mostly of the same plugin. */
  #memoryMiB = DEFAULT_LIMITS.memoryMiB;
  #taken = 0;

  constructor(library: GuestLibrary) {
    this.#library = library;
  }

  /** Whether one stands ready. */
  get isReady(): boolean {
    return this.#ready !== undefined;
  }

  /**
   * An isolate with exactly this limit: the one that is ready, or a new one.
   *
   * @throws Error when there is no memory for it
   */
  take(memoryMiB: number): GuestIsolate {
    const ready = this.#ready;
    this.#ready = undefined;
    this.#memoryMiB = memoryMiB;
    this.#taken += 1;
    if (ready?.memoryMiB === memoryMiB && !ready.isolate.isDisposed) return ready;
    ready?.[Symbol.dispose]();
    return new GuestIsolate(this.#library, memoryMiB, true);
  }

  /** Has one ready before the first compartment and after the second: most processes only ever have one. */
  prepare(): void {
    if (this.#taken === 1 || this.#ready !== undefined) return;
    try {
      this.#ready = new GuestIsolate(this.#library, this.#memoryMiB, false);
    } catch {
      // Whoever needs an isolate makes one, and hears why there is none.
    }
  }
}
