import type { WireValue } from "@berth/wire";

import { isRenewed } from "./compartment-plan.ts";
import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import { SandboxError } from "./errors.ts";
import type { Cell } from "./node-cell.ts";
import { FairQueue } from "./fair-queue.ts";
import type { Home } from "./home.ts";
import { STREAM_GRACE_MS } from "./node-running.ts";
import { cancelled } from "./outcome.ts";
import type { ProcessState } from "./process-state.ts";

/** How long a process that runs a cancelled call lives on: the plugin hears of the cancellation, then it ends. */
const CANCEL_GRACE_MS = 50;
/** How often a stream that was left is looked at. */
const LOOK_MS = 10;

interface Waiting {
  readonly begin: (cell: Cell) => void;
}

/**
 * The processes of one plugin whose engine runs one call at a time, or whose instances are renewed. Each is leased for
 * a call; further calls wait for one that is free, partitions in turns. No process passes to another plugin: a pool
 * belongs to one pack key.
 */
export class LeasePool implements Home {
  readonly #makeCell: () => Cell;
  readonly #size: number;
  readonly #free: Cell[] = [];
  readonly #busy = new Set<Cell>();
  readonly #waiting = new FairQueue<CompartmentPlan, Waiting>();
  #isClosed = false;

  constructor(makeCell: () => Cell, size: number) {
    this.#makeCell = makeCell;
    this.#size = size;
  }

  async call(compartment: CompartmentPlan, call: SandboxCall): Promise<WireValue> {
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the host is closed");
    if (call.signal?.aborted === true) throw cancelled(call.action);
    const cell = this.#take() ?? (await this.#wait(compartment, call));
    try {
      const answer = await cell.call(compartment, call);
      this.#endLease(cell, compartment);
      return answer;
    } catch (error) {
      // The caller has left, but the plugin may still be at work for it: that process takes no other call.
      if (error instanceof SandboxError && error.code === "SANDBOX_CANCELLED") {
        if (call.items === undefined) this.#retire(cell);
        else this.#retireUnlessEnded(cell, compartment);
      } else this.#endLease(cell, compartment);
      throw error;
    }
  }

  #endLease(cell: Cell, compartment: CompartmentPlan): void {
    if (isRenewed(compartment)) this.#drop(cell);
    else this.#giveBack(cell);
  }

  /** Starts one process with the compartment in it. Where all are at work, it is loaded already. */
  async load(compartment: CompartmentPlan): Promise<void> {
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the host is closed");
    const cell = this.#take();
    if (cell === undefined) return;
    try {
      await cell.load(compartment);
    } finally {
      this.#giveBack(cell);
    }
  }

  /** The process used last, because it is warm, or a new one. */
  #take(): Cell | undefined {
    const cell = this.#free.pop() ?? (this.#busy.size < this.#size ? this.#makeCell() : undefined);
    if (cell !== undefined) this.#busy.add(cell);
    return cell;
  }

  /** Waiting is part of a call's wall time. */
  #wait(compartment: CompartmentPlan, { action, signal }: SandboxCall): Promise<Cell> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#waiting.remove(compartment, waiting);
      };
      const waiting: Waiting = {
        begin: (cell) => {
          leave();
          resolve(cell);
        },
      };
      const onAbort = (): void => {
        leave();
        reject(cancelled(action));
      };
      const timer = setTimeout(() => {
        leave();
        reject(
          new SandboxError(
            "SANDBOX_DEADLINE",
            `the action ${action} did not begin within its wall time: all ${this.#size} processes of the plugin were busy`,
          ),
        );
      }, compartment.limits.wallMs);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(compartment, waiting);
    });
  }

  #giveBack(cell: Cell): void {
    const next = this.#waiting.shift();
    if (next !== undefined) return next.begin(cell);
    this.#busy.delete(cell);
    this.#free.push(cell);
  }

  #retire(cell: Cell): void {
    setTimeout(() => this.#drop(cell), CANCEL_GRACE_MS);
  }

  /** A stream that ends in time when it was left leaves its process free. */
  #retireUnlessEnded(cell: Cell, plan: CompartmentPlan, untilAt = performance.now() + STREAM_GRACE_MS): void {
    setTimeout(() => {
      if (!cell.worksForNobody && !this.#isClosed) this.#endLease(cell, plan);
      else if (performance.now() < untilAt && !this.#isClosed) this.#retireUnlessEnded(cell, plan, untilAt);
      else this.#drop(cell);
    }, LOOK_MS);
  }

  #drop(cell: Cell): void {
    this.#busy.delete(cell);
    cell.close();
    const successor = this.#waiting.size > 0 && !this.#isClosed ? this.#take() : undefined;
    if (successor !== undefined) this.#giveBack(successor);
  }

  unload(compartment: CompartmentPlan): void {
    for (const cell of [...this.#free, ...this.#busy]) cell.unload(compartment);
  }

  /** Calls under way and calls that wait fail with SANDBOX_CLOSED. */
  close(): void {
    this.#isClosed = true;
    for (const cell of [...this.#free, ...this.#busy]) cell.close();
    // A closed process answers so to whoever waited for it.
    const [closed] = this.#busy;
    if (closed === undefined) return;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) next.begin(closed);
  }

  waitingOf(compartment: CompartmentPlan): number {
    let count = this.#waiting.countOf(compartment);
    for (const cell of this.#busy) count += cell.waitingOf(compartment);
    return count;
  }

  processes(): ProcessState[] {
    return [...this.#free, ...this.#busy].flatMap((cell) => cell.state() ?? []);
  }
}
