import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import type { ProcessState } from "./process-state.ts";

/** Where compartments live: processes that a group of them may share, or that one plugin has for itself. */
export interface Home {
  /** Runs one action; starts process and compartment when needed. */
  call(plan: CompartmentPlan, call: SandboxCall): Promise<WireValue>;
  /** Starts process and compartment ahead of the first call. */
  load(plan: CompartmentPlan): Promise<void>;
  /** Drops the running instances of a compartment: its calls under way fail with SANDBOX_CLOSED. */
  unload(plan: CompartmentPlan): void;
  /**
   * Calls of a compartment that its plugin has not begun: they wait for a process to be free or to start, for the plugin
   * to be loaded there, or in the process for their turn.
   */
  waitingOf(plan: CompartmentPlan): number;
  /** The processes that there are now. */
  processes(): ProcessState[];
  close(): void;
}
