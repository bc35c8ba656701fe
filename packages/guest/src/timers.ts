import { GuestSignal } from "./port.ts";
import type { PostToEngine } from "./port.ts";

const MAX_TIMERS = 1_000;
const MAX_DELAY_MS = 86_400_000;

interface Timer {
  readonly run: () => void;
  readonly repeatMs: number | undefined;
}

/** Timers of one compartment: the engine only wakes the guest, every callback stays inside. */
export class Timers {
  readonly #post: PostToEngine;
  readonly #isWithinCall: () => boolean;
  readonly #timers = new Map<number, Timer>();
  #nextId = 1;

  constructor(post: PostToEngine, isWithinCall: () => boolean) {
    this.#post = post;
    this.#isWithinCall = isWithinCall;
  }

  set(callback: unknown, delay: unknown, isRepeating: boolean, args: unknown[]): number {
    if (typeof callback !== "function") throw new TypeError("A timer needs a function");
    if (this.#timers.size >= MAX_TIMERS) throw new RangeError(`A plugin has at most ${MAX_TIMERS} timers at a time`);
    const delayMs = Math.min(Math.max(Math.trunc(Number(delay)) || 0, 1), MAX_DELAY_MS);
    const id = this.#nextId;
    this.#nextId += 1;
    if (!this.#isWithinCall()) {
      this.#post(GuestSignal.log, 0, "warn", "a timer that is set outside a call never fires");
      return id;
    }
    const run = (): void => void (callback as (...values: unknown[]) => unknown)(...args);
    this.#timers.set(id, { run, repeatMs: isRepeating ? delayMs : undefined });
    this.#post(GuestSignal.timer, id, "", String(delayMs));
    return id;
  }

  clear(id: unknown): void {
    if (typeof id === "number" && this.#timers.delete(id)) this.#post(GuestSignal.clearTimer, id, "", "");
  }

  /** The last call has ended: the engine wakes nobody from now on. */
  forgetAll(): void {
    this.#timers.clear();
  }

  fire(id: number): void {
    const timer = this.#timers.get(id);
    if (timer === undefined) return;
    if (timer.repeatMs === undefined) this.#timers.delete(id);
    else this.#post(GuestSignal.timer, id, "", String(timer.repeatMs));
    timer.run();
  }
}
