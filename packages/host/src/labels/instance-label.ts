import { meetLabels } from "@berth/spec";
import type { DataLabel } from "@berth/spec";

/** Both labels at once; `undefined` is the label of what nobody minds. */
export function joined(a: DataLabel | undefined, b: DataLabel | undefined): DataLabel | undefined {
  return a === undefined || b === undefined ? (a ?? b) : meetLabels(a, b);
}

/**
 * The label of one running instance: from the first labelled data that reaches it until nothing of its memory is left.
 * Whoever drops the instance drops this with it.
 */
export class InstanceLabel {
  readonly #isFresh: boolean;
  #label: DataLabel | undefined;
  #ofLog: DataLabel | undefined;
  #callsUnderWay = 0;
  /** Whether the log was told that lines are withheld. */
  hasToldLog = false;

  /** `isFresh`: its engine leaves nothing of a call in memory for the next one. */
  constructor(isFresh: boolean) {
    this.#isFresh = isFresh;
  }

  get current(): DataLabel | undefined {
    return this.#label;
  }

  /** What its log may tell. Never cleared: a line of one call may come when the next has begun. */
  get ofLog(): DataLabel | undefined {
    return this.#ofLog;
  }

  add(label: DataLabel | undefined): void {
    this.#label = joined(this.#label, label);
    this.#ofLog = joined(this.#ofLog, label);
  }

  beginCall(): void {
    if (this.#isFresh && this.#callsUnderWay === 0) this.#label = undefined;
    this.#callsUnderWay += 1;
  }

  endCall(): void {
    this.#callsUnderWay -= 1;
  }
}
