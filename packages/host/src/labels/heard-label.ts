import { formatDataLabel } from "@berth/spec";
import type { DataLabel } from "@berth/spec";

import type { CallLabel } from "./call-label.ts";
import { joined } from "./instance-label.ts";

/**
 * The label of everything that a call gives to whoever made it: reports, items, and its answer or error. It gathers
 * those of all attempts, since an answer may tell of what an earlier one had.
 */
export class HeardLabel {
  readonly #onLabel: ((label: DataLabel) => void) | undefined;
  #gathered: DataLabel | undefined;
  #attempt: CallLabel | undefined;
  #told: string | undefined;

  /** `onLabel` hears of it, and of every change, by `tell`. */
  constructor(onLabel?: (label: DataLabel) => void) {
    this.#onLabel = onLabel;
  }

  get current(): DataLabel | undefined {
    return joined(this.#gathered, this.#attempt?.current);
  }

  add(label: DataLabel | undefined): void {
    this.#gathered = joined(this.#gathered, label);
  }

  /** An attempt begins, or another one. */
  follow(attempt: CallLabel): void {
    this.#gathered = this.current;
    this.#attempt = attempt;
  }

  /** To be called before anything of the call is handed over. */
  tell(): void {
    const label = this.current;
    if (label === undefined) return;
    const text = formatDataLabel(label);
    if (text === this.#told) return;
    this.#told = text;
    this.#onLabel?.(label);
  }
}
