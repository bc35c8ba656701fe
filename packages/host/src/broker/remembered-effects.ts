import type { DataLabel } from "@berth/spec";
import { encodeValue } from "@berth/wire";

import type { CallLabel } from "../labels/call-label.ts";

/** What is remembered of one call: beyond it the call cannot be repeated. */
const MAX_ANSWERS = 256;
const MAX_BYTES = 65_536;

/** What an effect answered, and what the attempt that asked for it had had by then. */
interface Answer {
  readonly value: unknown;
  readonly label: DataLabel | undefined;
}

/**
 * Effects of one call of an `idempotent` action while it is under way, in case a neighbour's crash makes the host
 * repeat it: what happened does not happen again, and what is happening is waited for.
 */
export class RememberedEffects {
  readonly #answers = new Map<string, Promise<Answer>>();
  #bytes = 0;
  #isWhole = true;
  #inDoubt = 0;

  /** Whether nothing happened that a repetition could do twice. */
  get mayRepeat(): boolean {
    return this.#isWhole && this.#inDoubt === 0;
  }

  /**
   * `isKeyed`: whoever serves the effect knows it by its key, should it not have been seen to its end. `label`: of the
   * attempt that asks; an answer that an earlier one got brings its label along.
   */
  async once(key: string, isKeyed: boolean, label: CallLabel, run: () => Promise<unknown>): Promise<unknown> {
    const known = this.#answers.get(key);
    if (known !== undefined) {
      try {
        const before = await known;
        label.add(before.label);
        return before.value;
      } catch {
        // It was cut short with the attempt that wanted it, or refused: asked for again.
      }
    }
    if (this.#answers.size >= MAX_ANSWERS) this.#isWhole = false;
    const answer = run().then((value) => ({ value, label: label.ofAnswers }));
    if (this.#isWhole) this.#answers.set(key, answer);
    if (!isKeyed) this.#inDoubt += 1;
    try {
      const { value } = await answer;
      if (!isKeyed) this.#inDoubt -= 1;
      this.#count(value);
      return value;
    } catch (error) {
      if (this.#answers.get(key) === answer) this.#answers.delete(key);
      throw error;
    }
  }

  #count(value: unknown): void {
    if (value === null || typeof value !== "object") return;
    this.#bytes += sizeOf(value);
    if (this.#bytes <= MAX_BYTES) return;
    this.#isWhole = false;
    this.#answers.clear();
  }
}

function sizeOf(value: object): number {
  try {
    const { json, bytes } = encodeValue(value);
    return bytes.reduce((sum, { length }) => sum + length, json.length);
  } catch {
    return Number.POSITIVE_INFINITY; // It cannot cross, and whoever asked hears of it.
  }
}
