import type { CompartmentPlan } from "./compartment-plan.ts";
import type { SandboxError } from "./errors.ts";
import { LogGate } from "./log-gate.ts";

/** More than a sandbox host lets pass: only one that was taken over comes to this. */
const MAX_LINES_PER_SECOND = 2_000;
const MAX_REPORTS_PER_SECOND = 200;

/** One compartment in one process, from the message that loads it until it is forgotten. */
export class LoadedCompartment {
  /** What the process knows it by. Never used again in the same process. */
  readonly id: number;
  readonly plan: CompartmentPlan;
  /** Loading runs foreign code, so it has a deadline of its own: a native loop ignores the engine's. */
  readonly deadlineAt: number;
  readonly whenLoaded: Promise<void>;
  readonly logGate = new LogGate(MAX_LINES_PER_SECOND);
  readonly progressGate = new LogGate(MAX_REPORTS_PER_SECOND);
  readonly #resolve: () => void;
  readonly #reject: (error: SandboxError) => void;
  /** What the embedding side keeps of it. */
  readonly instance: unknown;
  isReady = false;
  requestsUnderWay = 0;
  /** Bytes of the inputs of its calls under way. */
  inputBytes = 0;
  /** Its calls under way that the process has not told to have begun. */
  callsUnbegun = 0;

  constructor(id: number, plan: CompartmentPlan, now: number) {
    this.id = id;
    this.plan = plan;
    this.instance = plan.makeInstance?.();
    this.deadlineAt = now + plan.limits.wallMs;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.whenLoaded = promise;
    promise.catch(() => undefined); // Whoever waits for it hears; it may also fail when nobody does any more.
    this.#resolve = resolve;
    this.#reject = reject;
  }

  finishLoading(): void {
    this.isReady = true;
    this.#resolve();
  }

  /** Does nothing when it was loaded. */
  failLoading(error: SandboxError): void {
    this.#reject(error);
  }
}
