import type { DataLabel } from "@berth/spec";

import { InstanceLabel, joined } from "./instance-label.ts";

/** The label under which a call runs: that of its input, and of everything that its instance ever got. */
export class CallLabel {
  #own: DataLabel | undefined;
  #instance: InstanceLabel | undefined;
  #late: DataLabel | undefined;
  #hasEnded = false;

  /** `ofInput`: the label of what the call is made with. */
  constructor(ofInput?: DataLabel) {
    this.#own = ofInput;
  }

  get current(): DataLabel | undefined {
    return this.#hasEnded ? this.#own : joined(this.#own, this.#instance?.current);
  }

  /**
   * That of an answer of the broker's to the call, which may come when the call has ended: whoever keeps the answer
   * for another call keeps this with it.
   */
  get ofAnswers(): DataLabel | undefined {
    return joined(this.current, this.#late);
  }

  /** To be called before what is labelled reaches the plugin. */
  add(label: DataLabel | undefined): void {
    if (label === undefined) return;
    if (this.#hasEnded) this.#late = joined(this.#late, label);
    else this.#own = joined(this.#own, label);
    this.#instance?.add(label);
  }

  /** The instance that runs the call, before it gets the input. */
  enter(instance: unknown): void {
    if (!(instance instanceof InstanceLabel)) throw new TypeError("a call entered an instance without a label");
    instance.beginCall();
    instance.add(this.#own);
    this.#instance = instance;
  }

  /** The call has ended. An answer that is on its way to its instance still labels that. */
  leave(): void {
    this.#own = this.current;
    this.#hasEnded = true;
    this.#instance?.endCall();
  }
}
