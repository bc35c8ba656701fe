import { quote } from "@berth/base";
import { ResolveError } from "./errors.ts";

/** How much work a resolution may do. */
export interface BudgetLimits {
  /** Incompatibilities and undecided plugins looked at, over search, core and fix. Default 20,000,000. */
  readonly maxSteps?: number;
  /** Milliseconds by `clock`; unlimited when absent. */
  readonly timeoutMs?: number;
  /** A clock that never goes back, in milliseconds (`performance.now`). `timeoutMs` needs it. */
  readonly clock?: () => number;
  readonly signal?: AbortSignal;
}

export const DEFAULT_MAX_STEPS = 20_000_000;

/** Between two looks at the clock; small enough that none takes a millisecond. */
const STEPS_PER_LOOK = 4096;

/** Counts work and says when to stop. Steps are counted the same on every machine; the clock is a net below. */
export class Budget {
  readonly #maxSteps: number;
  readonly #deadline: number;
  readonly #clock: (() => number) | undefined;
  readonly #signal: AbortSignal | undefined;
  #steps = 0;
  #nextLook = STEPS_PER_LOOK;
  #isTimeUp = false;

  constructor({ maxSteps = DEFAULT_MAX_STEPS, timeoutMs, clock, signal }: BudgetLimits = {}) {
    if (timeoutMs !== undefined && clock === undefined) {
      // Without this, a caller who forgot the clock would wait without end.
      throw new ResolveError("RESOLVE_REQUEST_INVALID", "A timeout was given without a clock to measure it by");
    }
    if (!(maxSteps > 0)) throw new ResolveError("RESOLVE_REQUEST_INVALID", `${quote(maxSteps)} is no number of steps`);
    this.#maxSteps = maxSteps;
    this.#clock = timeoutMs === undefined ? undefined : clock;
    this.#deadline = this.#clock === undefined ? Infinity : this.#clock() + (timeoutMs as number);
    this.#signal = signal;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Spends steps. */
  spend(steps: number): void {
    this.#steps += steps;
  }

  /** Whether to stop now. @throws the signal's reason once it is aborted. */
  isExhausted(): boolean {
    if (this.#steps >= this.#nextLook) {
      this.#nextLook = this.#steps + STEPS_PER_LOOK;
      this.#signal?.throwIfAborted();
      if (this.#clock !== undefined && this.#clock() >= this.#deadline) this.#isTimeUp = true;
    }
    return this.#isTimeUp || this.#steps >= this.#maxSteps;
  }

  /** A part of what is left, for work that is worth no more than that. Spending in it spends here too. */
  part(maxSteps: number): BudgetPart {
    return new BudgetPart(this, maxSteps);
  }
}

/** See `Budget.part`. */
export class BudgetPart {
  readonly #whole: Pick<Budget, "spend" | "isExhausted">;
  #left: number;

  constructor(whole: Pick<Budget, "spend" | "isExhausted">, maxSteps: number) {
    this.#whole = whole;
    this.#left = maxSteps;
  }

  spend(steps: number): void {
    this.#left -= steps;
    this.#whole.spend(steps);
  }

  isExhausted(): boolean {
    return this.#left <= 0 || this.#whole.isExhausted();
  }

  part(maxSteps: number): BudgetPart {
    return new BudgetPart(this, maxSteps);
  }
}

/** A budget or a part of one. */
export type Allowance = Pick<Budget, "spend" | "isExhausted" | "part">;
