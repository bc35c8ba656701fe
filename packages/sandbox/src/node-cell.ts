import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import { SandboxError } from "./errors.ts";
import { isCrash } from "./loss.ts";
import type { Loss } from "./loss.ts";
import { Running, listenForAbort } from "./node-running.ts";
import type { Sandbox } from "./node-sandbox.ts";
import { cancelled } from "./outcome.ts";
import type { ProcessState } from "./process-state.ts";

const CRASH_WINDOW_MS = 300_000;
const MAX_BACK_OFF_MS = 5_000;

/** A sandbox-host process and its successors, for the compartments that were given to it. */
export class Cell {
  readonly #start: () => Promise<Sandbox>;
  readonly #onLoss: (loss: Loss) => void;
  #running: Running | undefined;
  /** Calls of each compartment that wait until it is loaded. */
  readonly #starting = new Map<CompartmentPlan, number>();
  #crashes: number[] = [];
  #isClosed = false;

  constructor(start: () => Promise<Sandbox>, onLoss: (loss: Loss) => void) {
    this.#start = start;
    this.#onLoss = onLoss;
  }

  call(compartment: CompartmentPlan, call: SandboxCall): Promise<WireValue> {
    if (this.#isClosed) return Promise.reject(new SandboxError("SANDBOX_CLOSED", "the host is closed"));
    if (call.signal?.aborted === true) return Promise.reject(cancelled(call.action));
    const running = this.#running;
    if (running?.isLoaded(compartment) === true) return running.call(compartment, call);
    return this.#startAndCall(compartment, call);
  }

  /** Starts process and compartment, and runs nothing of it beyond its top level. */
  async load(compartment: CompartmentPlan): Promise<void> {
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the host is closed");
    await this.#loadedIn(compartment);
  }

  async #loadedIn(compartment: CompartmentPlan): Promise<Running> {
    let running = (this.#running ??= this.#launch());
    await running.whenSettled();
    if (running.hasEnded) {
      if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the host is closed");
      running = this.#running ??= this.#launch();
    }
    await running.load(compartment);
    return running;
  }

  async #startAndCall(compartment: CompartmentPlan, call: SandboxCall): Promise<WireValue> {
    this.#countStarting(compartment, 1);
    let running: Running;
    try {
      running = await this.#unlessCancelled(this.#loadedIn(compartment), call);
    } finally {
      this.#countStarting(compartment, -1);
    }
    return running.call(compartment, call);
  }

  /** The caller is free at once, also while the plugin is loaded, which goes on. */
  async #unlessCancelled(loading: Promise<Running>, { action, signal }: SandboxCall): Promise<Running> {
    if (signal === undefined) return loading;
    const { promise: left, reject: leave } = Promise.withResolvers<never>();
    const stopListening = listenForAbort(signal, () => leave(cancelled(action)));
    try {
      return await Promise.race([loading, left]);
    } finally {
      stopListening();
    }
  }

  #launch(): Running {
    const waitMs = this.#backOffMs();
    const running: Running = new Running(this.#start, waitMs, (loss) => {
      if (this.#running === running) this.#running = undefined;
      if (loss.reason === "closed") return;
      // Overstaying is the fault of one call; only a process that cannot live makes the next one wait.
      if (isCrash(loss)) this.#crashes.push(Date.now());
      this.#onLoss(loss);
    });
    return running;
  }

  /** 0 after one loss within five minutes, then 100 ms, doubled each time, at most 5 s. */
  #backOffMs(): number {
    this.#crashes = this.#crashes.filter((at) => Date.now() - at < CRASH_WINDOW_MS);
    const count = this.#crashes.length;
    return count < 2 ? 0 : Math.min(100 * 2 ** (count - 2), MAX_BACK_OFF_MS);
  }

  /** Whether its process may be at work for callers who left. */
  get worksForNobody(): boolean {
    return this.#running?.worksForNobody === true;
  }

  #countStarting(compartment: CompartmentPlan, change: 1 | -1): void {
    const count = (this.#starting.get(compartment) ?? 0) + change;
    if (count > 0) this.#starting.set(compartment, count);
    else this.#starting.delete(compartment);
  }

  /** Calls of a compartment that its plugin has not begun. */
  waitingOf(compartment: CompartmentPlan): number {
    return (this.#starting.get(compartment) ?? 0) + (this.#running?.waitingOf(compartment) ?? 0);
  }

  /** `undefined` while there is no process. */
  state(): ProcessState | undefined {
    return this.#running?.state();
  }

  isLoaded(compartment: CompartmentPlan): boolean {
    return this.#running?.isLoaded(compartment) === true;
  }

  unload(compartment: CompartmentPlan): void {
    this.#running?.unload(compartment);
  }

  close(): void {
    this.#isClosed = true;
    this.#running?.end("closed");
    this.#running = undefined;
  }
}
