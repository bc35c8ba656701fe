import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import { SandboxError } from "./errors.ts";
import { Running, listenForAbort } from "./node-running.ts";
import type { EndReason, Sandbox } from "./node-sandbox.ts";
import { cancelled } from "./outcome.ts";

const CRASH_WINDOW_MS = 300_000;
const MAX_BACK_OFF_MS = 5_000;

/** A sandbox-host process and its successors: everything that shares one pack key. */
export class Cell {
  readonly #start: () => Promise<Sandbox>;
  readonly #onLoss: (reason: EndReason, lastWords: string) => void;
  #running: Running | undefined;
  #crashes: number[] = [];
  #isClosed = false;

  constructor(start: () => Promise<Sandbox>, onLoss: (reason: EndReason, lastWords: string) => void) {
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
    const running = (this.#running ??= this.#launch());
    await running.load(compartment);
  }

  async #startAndCall(compartment: CompartmentPlan, call: SandboxCall): Promise<WireValue> {
    const running = this.#running ?? (this.#running = this.#launch());
    await this.#unlessCancelled(running.load(compartment), call);
    return running.call(compartment, call);
  }

  /** The caller is free at once, also while the plugin is loaded, which goes on. */
  async #unlessCancelled(loading: Promise<void>, { action, signal }: SandboxCall): Promise<void> {
    if (signal === undefined) return loading;
    const { promise: left, reject: leave } = Promise.withResolvers<never>();
    const stopListening = listenForAbort(signal, () => leave(cancelled(action)));
    try {
      await Promise.race([loading, left]);
    } finally {
      stopListening();
    }
  }

  #launch(): Running {
    const waitMs = this.#backOffMs();
    const running: Running = new Running(this.#start, waitMs, (reason, lastWords) => {
      if (this.#running === running) this.#running = undefined;
      if (reason === "closed") return;
      // Overstaying is the fault of one call; only a process that cannot live makes the next one wait.
      if (reason !== "deadline" && reason !== "cpu") this.#crashes.push(Date.now());
      this.#onLoss(reason, lastWords);
    });
    return running;
  }

  /** 0 for the first loss within five minutes, then 100 ms, doubled each time, at most 5 s. */
  #backOffMs(): number {
    this.#crashes = this.#crashes.filter((at) => Date.now() - at < CRASH_WINDOW_MS);
    const count = this.#crashes.length;
    return count < 2 ? 0 : Math.min(100 * 2 ** (count - 2), MAX_BACK_OFF_MS);
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
