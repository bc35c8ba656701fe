import type { Clocks } from "./cpu-budget.ts";

/**
 * Everything that a compartment takes from outside besides what the supervisor sends it. With the same
 * powers and the same messages in the same order a call gives the same bytes, in every process; only its requests
 * to the broker are numbered on from the call before.
 */
export interface Powers {
  /** Milliseconds since 1970; read once for each entry, so the guest's clock stands still while it computes. */
  nowMs(): number;
  /** The script of a part of the guest library, empty when there is none of that name. The same in every process. */
  partScript(part: string): string;
  /**
   * A random unsigned 32-bit word from a secure source; four for each call that draws `Math.random()`, and
   * one for each four bytes that a plugin asks of `crypto`.
   */
  randomWord(): number;
  /** Calls back after a time; answers with a function that prevents it. */
  setTimer(run: () => void, delayMs: number): () => void;
  /** Calls back when the messages sent so far have left. */
  whenIdle(run: () => void): void;
  /** Gives memory of discarded machines back. */
  collectGarbage(): void;
  readonly clocks: Clocks;
}
