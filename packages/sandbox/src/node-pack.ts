import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import { SandboxError } from "./errors.ts";
import type { Home } from "./home.ts";
import type { Cell } from "./node-cell.ts";
import type { ProcessState } from "./process-state.ts";

/** How many compartments share a process, and how much memory they may have in all. */
const MAX_COMPARTMENTS = 32;
const MAX_MEMORY_MIB = 2_048;

interface Place {
  readonly cell: Cell;
  readonly plans: Set<CompartmentPlan>;
  memoryMiB: number;
}

/** The processes of everything that shares one pack key: as many compartments in each as fit, then one more. */
export class Pack implements Home {
  readonly #makeCell: () => Cell;
  readonly #places = new Set<Place>();
  readonly #placeOf = new Map<CompartmentPlan, Place>();
  #isClosed = false;

  constructor(makeCell: () => Cell) {
    this.#makeCell = makeCell;
  }

  call(plan: CompartmentPlan, call: SandboxCall): Promise<WireValue> {
    const place = this.#placeOf.get(plan) ?? this.#settle(plan);
    if (place === undefined) return Promise.reject(new SandboxError("SANDBOX_CLOSED", "the host is closed"));
    return place.cell.call(plan, call);
  }

  load(plan: CompartmentPlan): Promise<void> {
    const place = this.#placeOf.get(plan) ?? this.#settle(plan);
    if (place === undefined) return Promise.reject(new SandboxError("SANDBOX_CLOSED", "the host is closed"));
    return place.cell.load(plan);
  }

  /** Gives a compartment a place in the first process with room. */
  #settle(plan: CompartmentPlan): Place | undefined {
    if (this.#isClosed) return undefined;
    const { memoryMiB } = plan.limits;
    let place = [...this.#places].find(
      (each) => each.plans.size < MAX_COMPARTMENTS && each.memoryMiB + memoryMiB <= MAX_MEMORY_MIB,
    );
    if (place === undefined) {
      place = { cell: this.#makeCell(), plans: new Set(), memoryMiB: 0 };
      this.#places.add(place);
    }
    place.plans.add(plan);
    place.memoryMiB += memoryMiB;
    this.#placeOf.set(plan, place);
    return place;
  }

  unload(plan: CompartmentPlan): void {
    const place = this.#placeOf.get(plan);
    if (place === undefined) return;
    this.#placeOf.delete(plan);
    place.plans.delete(plan);
    place.memoryMiB -= plan.limits.memoryMiB;
    place.cell.unload(plan);
    if (place.plans.size > 0) return;
    // A used process passes to nobody.
    place.cell.close();
    this.#places.delete(place);
  }

  waitingOf(plan: CompartmentPlan): number {
    return this.#placeOf.get(plan)?.cell.waitingOf(plan) ?? 0;
  }

  processes(): ProcessState[] {
    return [...this.#places].flatMap(({ cell }) => cell.state() ?? []);
  }

  close(): void {
    this.#isClosed = true;
    for (const { cell } of this.#places) cell.close();
    this.#places.clear();
    this.#placeOf.clear();
  }
}
