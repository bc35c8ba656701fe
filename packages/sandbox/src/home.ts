import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";

/** Where compartments live: processes that a group of them may share, or that one plugin has for itself. */
export interface Home {
  /** Runs one action; starts process and compartment when needed. */
  call(plan: CompartmentPlan, call: SandboxCall): Promise<WireValue>;
  /** Starts process and compartment ahead of the first call. */
  load(plan: CompartmentPlan): Promise<void>;
  /** Drops the running instances of a compartment: its calls under way fail with SANDBOX_CLOSED. */
  unload(plan: CompartmentPlan): void;
  /** Calls of a compartment that no process has begun yet, as far as they wait for a process to be free. */
  waitingOf(plan: CompartmentPlan): number;
  /** How many processes there are now. */
  readonly processes: number;
  close(): void;
}
