import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import { SandboxError } from "./errors.ts";
import type { Home } from "./home.ts";
import { busy } from "./outcome.ts";

/** Calls of one compartment that may be under way or waiting, for whatever they wait. */
const MAX_CALLS = 1_024;

/** A time during which a compartment lives in one home. */
interface Stay {
  readonly home: Home;
  callsUnderWay: number;
}

/** A compartment as the host sees it: it survives the loss of the process it runs in, and moves when it must. */
export class SupervisedCompartment implements Disposable {
  readonly plan: CompartmentPlan;
  readonly #onLeave: (home: Home) => void;
  #stay: Stay;
  /** Homes before, where calls still are under way. */
  readonly #past = new Set<Stay>();
  #callsUnderWay = 0;
  #lastUsedAt = performance.now();
  #isIdle = true;
  #isRetired = false;
  #isDisposed = false;

  /** Use `Supervisor.open`. `onLeave` hears that nothing of it is left in a home. */
  constructor(plan: CompartmentPlan, home: Home, onLeave: (home: Home) => void) {
    this.plan = plan;
    this.#stay = { home, callsUnderWay: 0 };
    this.#onLeave = onLeave;
  }

  get home(): Home {
    return this.#stay.home;
  }

  get callsUnderWay(): number {
    return this.#callsUnderWay;
  }

  /** Those of them that the plugin has not begun; see `Home.waitingOf`. */
  get callsWaiting(): number {
    // It may have returned to a home that it left.
    const homes = new Set([...this.#past, this.#stay].map(({ home }) => home));
    return [...homes].reduce((count, home) => count + home.waitingOf(this.plan), 0);
  }

  /** Since when nothing was under way, as `performance.now()` counts; `undefined` while something is, or when hibernating. */
  get idleSince(): number | undefined {
    return this.#isIdle || this.#callsUnderWay > 0 ? undefined : this.#lastUsedAt;
  }

  /**
   * Runs one action, starting process and compartment when needed.
   *
   * @throws SandboxError SANDBOX_PLUGIN_THREW, SANDBOX_LOAD_FAILED, SANDBOX_DEADLINE, SANDBOX_CPU,
   *   SANDBOX_MEMORY, SANDBOX_CRASHED, SANDBOX_NEIGHBOUR, SANDBOX_PROTOCOL, SANDBOX_BUSY, SANDBOX_CANCELLED,
   *   SANDBOX_CLOSED, SANDBOX_START_FAILED, SANDBOX_WALL_MISSING
   */
  call(call: SandboxCall): Promise<WireValue> {
    if (this.#callsUnderWay >= MAX_CALLS)
      return Promise.reject(busy(call.action, `${MAX_CALLS} calls of the plugin are under way or waiting`));
    return this.#during((home) => home.call(this.plan, call));
  }

  /**
   * Starts process and compartment ahead of the first call, within the deadlines of both.
   *
   * @throws SandboxError as `call`, but for what belongs to a call
   */
  load(): Promise<void> {
    return this.#during((home) => home.load(this.plan));
  }

  /** Counts the work while it is under way. The promise is passed on as it is: each layer costs every call. */
  #during<Result>(work: (home: Home) => Promise<Result>): Promise<Result> {
    if (this.#isDisposed) return Promise.reject(new SandboxError("SANDBOX_CLOSED", "the plugin was unloaded"));
    const stay = this.#stay;
    this.#callsUnderWay += 1;
    stay.callsUnderWay += 1;
    this.#isIdle = false;
    const ended = (): void => {
      this.#callsUnderWay -= 1;
      stay.callsUnderWay -= 1;
      this.#lastUsedAt = performance.now();
      if (stay.callsUnderWay === 0) this.#leftAlone(stay);
    };
    const result = work(stay.home);
    result.then(ended, ended);
    return result;
  }

  #leftAlone(stay: Stay): void {
    if (this.#isDisposed) return;
    if (this.#past.delete(stay)) this.#leave(stay);
    if (this.#isRetired && this.#callsUnderWay === 0) this[Symbol.dispose]();
  }

  /** Lets go of a home, unless it returned there meanwhile. */
  #leave({ home }: Stay): void {
    if (!this.#isDisposed && home === this.#stay.home) return;
    home.unload(this.plan);
    this.#onLeave(home);
  }

  /** The next call runs elsewhere; calls under way end where they are, and then the instance there does. */
  move(home: Home): void {
    const before = this.#stay;
    if (before.home === home || this.#isDisposed) return;
    this.#stay = { home, callsUnderWay: 0 };
    if (before.callsUnderWay > 0) this.#past.add(before);
    else this.#leave(before);
  }

  /** Drops the idle instance; the next call starts afresh. */
  hibernate(): void {
    this.#isIdle = true;
    this.#stay.home.unload(this.plan);
  }

  /** Ends as `dispose` does when its calls under way have ended; it is given no others. */
  retire(): void {
    this.#isRetired = true;
    if (this.#callsUnderWay === 0) this[Symbol.dispose]();
  }

  /** Drops the running instance, if any: calls under way fail with SANDBOX_CLOSED, and so do later ones. */
  [Symbol.dispose](): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    for (const stay of [...this.#past, this.#stay]) this.#leave(stay);
    this.#past.clear();
  }
}
