import type { SecurityLevel } from "@berth/spec";

import { isRenewed } from "./compartment-plan.ts";
import type { CompartmentPlan } from "./compartment-plan.ts";
import type { EngineDescriptor } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import type { Home } from "./home.ts";
import { isCrash, suspectsOf } from "./loss.ts";
import type { Loss } from "./loss.ts";
import { Cell } from "./node-cell.ts";
import { LeasePool } from "./node-lease-pool.ts";
import { Pack } from "./node-pack.ts";
import type { ProcessState } from "./process-state.ts";
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
  /**
   * How many of them the plugin has not begun: they wait for a process, for the plugin to be loaded, or for their turn.
   * As its processes tell; while one computes without a pause, this may be one too few.
   */
  readonly callsWaiting: number;
  /** Processes that hold it now, by itself or among others. */
  readonly processes: number;
  /**
   * By how much its processes have grown, in all, as far as they never held another plugin; bytes. `undefined`: it has
   * none to itself, or the system does not tell.
   */
  readonly memoryBytes: number | undefined;
  readonly isSuspect: boolean;
}

/** One process that holds plugins now. */
export interface RunningProcess {
  readonly pid: number;
  /** The engine's name. */
  readonly engine: string;
  readonly level: SecurityLevel;
  /** Whose code is in it, in their order. */
  readonly plugins: readonly string[];
  readonly callsUnderWay: number;
  /** What it holds in all, engine included, bytes; `undefined` where the system does not tell. */
  readonly heldBytes: number | undefined;
}

type Writable<Shape> = { -readonly [Key in keyof Shape]: Shape[Key] };

/** A home and who lives there; closed when the last one leaves. */
interface Household {
  readonly key: string;
  readonly engine: string;
  readonly level: SecurityLevel;
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
    const found = new Map<string, Writable<RunningPlugin>>();
    for (const compartment of this.#compartments) {
      const { plugin } = compartment.plan;
      let sum = found.get(plugin);
      if (sum === undefined) {
        sum = {
          plugin,
          compartments: 0,
          callsUnderWay: 0,
          callsWaiting: 0,
          processes: 0,
          memoryBytes: undefined,
          isSuspect: this.#suspects.has(plugin),
        };
        found.set(plugin, sum);
      }
      sum.compartments += 1;
      sum.callsUnderWay += compartment.callsUnderWay;
      sum.callsWaiting += compartment.callsWaiting;
    }
    for (const { plugins, wasShared, grownBytes } of this.#states()) {
      for (const plugin of plugins) {
        const sum = found.get(plugin);
        if (sum === undefined) continue;
        sum.processes += 1;
        if (!wasShared && grownBytes !== undefined) sum.memoryBytes = (sum.memoryBytes ?? 0) + grownBytes;
      }
    }
    return [...found.values()];
  }

  /** The processes that hold plugins now; spares are not among them. */
  processes(): RunningProcess[] {
    return this.#states().map(({ pid, engine, level, plugins, callsUnderWay, heldBytes }) => ({
      pid,
      engine,
      level,
      plugins: [...plugins].toSorted(),
      callsUnderWay,
      heldBytes,
    }));
  }

  #states(): (ProcessState & Pick<Household, "engine" | "level">)[] {
    return [...this.#households.values()].flatMap(({ engine, level, home }) =>
      home.processes().map((state) => ({ ...state, engine, level })),
    );
  }

  /** A suspect has its processes for itself; and no process serves two engines or two walls. */
  #keyOf(plan: CompartmentPlan): string {
    const { plugin, packKey, engine, level } = plan;
    // Who lets others' instances stay must not be where each call has a process for itself.
    const isAlone = packKey === undefined || isRenewed(plan) || this.#suspects.has(plugin);
    return JSON.stringify([engine.name, level, isRenewed(plan), isAlone ? ["alone", plugin] : packKey]);
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
      const isLeased = engine.callsPerProcess === 1 || isRenewed(plan);
      const home = isLeased ? new LeasePool(makeCell, this.#options.leases ?? DEFAULT_LEASES) : new Pack(makeCell);
      household = { key, engine: engine.name, level, home, tenants: new Set() };
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
