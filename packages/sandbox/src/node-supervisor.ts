import type { SecurityLevel } from "@berth/spec";

import type { CompartmentPlan } from "./compartment-plan.ts";
import type { EngineDescriptor } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import type { Home } from "./home.ts";
import { isCrash, suspectsOf } from "./loss.ts";
import type { Loss } from "./loss.ts";
import { Cell } from "./node-cell.ts";
import { LeasePool } from "./node-lease-pool.ts";
import { Pack } from "./node-pack.ts";
import type { Sandbox } from "./node-sandbox.ts";
import { Spares } from "./node-spares.ts";
import { Starter } from "./node-starter.ts";
import { SupervisedCompartment } from "./node-supervised-compartment.ts";
import { Suspects } from "./suspects.ts";
import { chooseWall } from "./walls/node-machine-walls.ts";
import type { ChosenWall, WallOptions } from "./walls/node-machine-walls.ts";

const DEFAULT_LEASES = 4;
const PROBATION_MS = 300_000;
const MAX_SWEEP_MS = 10_000;
const MIN_SWEEP_MS = 20;

export interface SupervisorOptions {
  /**
   * Processes kept ready for the next plugin, for each engine in use; started when the first process has been
   * up for a second. Default 0.
   */
  readonly spares?: number;
  readonly walls?: WallOptions;
  /**
   * Processes that one plugin may have at engines that run one call for each process: how many of its calls
   * run at a time. Default 4.
   */
  readonly leases?: number;
  /** How long a compartment may be idle before its instance is dropped, ms. Default: for ever. */
  readonly idleMs?: number;
  /** How long a suspect must behave in a process of its own, ms. Default 300,000. */
  readonly probationMs?: number;
  /** Heard when a process with plugins in it ends otherwise than by `close`. */
  readonly onLoss?: (loss: Loss) => void;
  /** Heard when a plugin has become a suspect: it runs alone from now on. */
  readonly onSuspect?: (plugin: string) => void;
  /** Heard when an idle compartment was dropped. Whoever holds it may dispose of it, or call it again. */
  readonly onHibernate?: (compartment: SupervisedCompartment) => void;
}

/** What runs of one plugin now. */
export interface RunningPlugin {
  readonly plugin: string;
  /** Partitions with a compartment. */
  readonly compartments: number;
  readonly callsUnderWay: number;
  /** How many of them wait for a process to be free. */
  readonly callsWaiting: number;
  readonly isSuspect: boolean;
}

/** A home and who lives there; closed when the last one leaves. */
interface Household {
  readonly key: string;
  readonly home: Home;
  readonly tenants: Set<SupervisedCompartment>;
}

/**
 * Owns every sandbox-host process of an embedding program: starts them, packs compartments into them,
 * watches time and memory, kills what overstays, drops what is idle, and starts anew.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #households = new Map<string, Household>();
  readonly #householdOfHome = new WeakMap<Home, Household>();
  readonly #compartments = new Set<SupervisedCompartment>();
  readonly #starter = new Starter();
  readonly #spares: Spares;
  readonly #suspects: Suspects;
  #sweeper: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: SupervisorOptions = {}) {
    this.#options = options;
    this.#spares = new Spares(options.spares ?? 0, this.#starter.start);
    this.#suspects = new Suspects(options.probationMs ?? PROBATION_MS, () => performance.now());
  }

  /** Declares a compartment; nothing is started before its first call. Dispose it when the plugin goes. */
  open(plan: CompartmentPlan): SupervisedCompartment {
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the supervisor is closed");
    const household = this.#householdOf(plan);
    const compartment: SupervisedCompartment = new SupervisedCompartment(plan, household.home, (home) =>
      this.#left(compartment, home),
    );
    household.tenants.add(compartment);
    this.#compartments.add(compartment);
    this.#sweepFromNowOn();
    return compartment;
  }

  /** What runs now, by plugin. */
  running(): RunningPlugin[] {
    const found = new Map<string, RunningPlugin>();
    for (const compartment of this.#compartments) {
      const { plugin } = compartment.plan;
      const { compartments = 0, callsUnderWay = 0, callsWaiting = 0 } = found.get(plugin) ?? {};
      found.set(plugin, {
        plugin,
        compartments: compartments + 1,
        callsUnderWay: callsUnderWay + compartment.callsUnderWay,
        callsWaiting: callsWaiting + compartment.callsWaiting,
        isSuspect: this.#suspects.has(plugin),
      });
    }
    return [...found.values()];
  }

  /** How many processes hold plugins now; spares are not among them. */
  get processes(): number {
    let count = 0;
    for (const { home } of this.#households.values()) count += home.processes;
    return count;
  }

  /** A suspect has its processes for itself; and no process serves two engines or two walls. */
  #keyOf({ plugin, packKey, engine, level }: CompartmentPlan): string {
    const isAlone = packKey === undefined || this.#suspects.has(plugin);
    return JSON.stringify([engine.name, level, isAlone ? ["alone", plugin] : packKey]);
  }

  #householdOf(plan: CompartmentPlan): Household {
    const { engine, level } = plan;
    const key = this.#keyOf(plan);
    let household = this.#households.get(key);
    if (household === undefined) {
      const makeCell = (): Cell =>
        new Cell(
          () => this.#takeSandbox(engine, level),
          (loss) => this.#noteLoss(loss),
        );
      const isLeased = engine.callsPerProcess === 1;
      const home = isLeased ? new LeasePool(makeCell, this.#options.leases ?? DEFAULT_LEASES) : new Pack(makeCell);
      household = { key, home, tenants: new Set() };
      this.#households.set(key, household);
      this.#householdOfHome.set(home, household);
    }
    return household;
  }

  #noteLoss(loss: Loss): void {
    if (this.#isClosed) return;
    const [alone, ...others] = loss.plugins;
    if (alone !== undefined && others.length === 0 && isCrash(loss)) this.#suspects.prolong(alone);
    for (const plugin of suspectsOf(loss)) {
      if (!this.#suspects.accuse(plugin)) continue;
      this.#moveAll(plugin);
      this.#options.onSuspect?.(plugin);
    }
    this.#options.onLoss?.(loss);
  }

  /** Takes the compartments of a plugin to where they belong now. */
  #moveAll(plugin: string): void {
    for (const compartment of this.#compartments) {
      if (compartment.plan.plugin !== plugin) continue;
      const household = this.#householdOf(compartment.plan);
      household.tenants.add(compartment);
      compartment.move(household.home);
    }
  }

  /** Nothing of a compartment is left in a home. */
  #left(compartment: SupervisedCompartment, home: Home): void {
    const household = this.#householdOfHome.get(home);
    household?.tenants.delete(compartment);
    if (household?.tenants.size === 0) {
      this.#households.delete(household.key);
      home.close();
    }
    if (compartment.home !== home) return; // It lives elsewhere now.
    this.#compartments.delete(compartment);
    if (this.#compartments.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  /** Drops what has been idle for long, and lets those return who behaved in a process of their own. */
  #sweepFromNowOn(): void {
    const { idleMs = Number.POSITIVE_INFINITY, probationMs = PROBATION_MS } = this.#options;
    const everyMs = Math.min(Math.max(Math.min(idleMs, probationMs) / 4, MIN_SWEEP_MS), MAX_SWEEP_MS);
    this.#sweeper ??= setInterval(() => this.#sweep(performance.now() - idleMs), everyMs).unref();
  }

  #sweep(idleBefore: number): void {
    for (const compartment of this.#compartments) {
      const { idleSince } = compartment;
      if (idleSince === undefined || idleSince > idleBefore) continue;
      compartment.hibernate();
      this.#options.onHibernate?.(compartment);
    }
    for (const plugin of this.#suspects.acquit()) this.#moveAll(plugin);
  }

  /**
   * The wall that a level has on this machine, and what it lacks. Tried at the first question, then remembered.
   *
   * @throws SandboxError SANDBOX_WALL_MISSING when the level cannot be had here
   */
  wallFor(engine: EngineDescriptor, level: SecurityLevel): Promise<ChosenWall> {
    return chooseWall(engine, level, this.#options.walls);
  }

  /** Starts the spare processes of an engine at a level, so that the first call need not wait for one. */
  async warm(engine: EngineDescriptor, level: SecurityLevel): Promise<void> {
    const chosen = await this.wallFor(engine, level);
    this.#spares.refill(engine, chosen);
  }

  async #takeSandbox(engine: EngineDescriptor, level: SecurityLevel): Promise<Sandbox> {
    const chosen = await this.wallFor(engine, level);
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the supervisor is closed");
    return this.#spares.take(engine, chosen);
  }

  /** Ends every process. Calls under way fail with SANDBOX_CLOSED. */
  close(): void {
    this.#isClosed = true;
    clearInterval(this.#sweeper);
    for (const { home } of this.#households.values()) home.close();
    this.#spares.close();
    this.#starter.close();
    this.#households.clear();
    this.#compartments.clear();
  }
}
