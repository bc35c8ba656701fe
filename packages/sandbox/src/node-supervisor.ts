import type { SecurityLevel } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import type { EngineDescriptor } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import { Cell } from "./node-cell.ts";
import { LeasePool } from "./node-lease-pool.ts";
import { Sandbox } from "./node-sandbox.ts";
import type { EndReason } from "./node-sandbox.ts";
import { chooseWall } from "./walls/node-machine-walls.ts";
import type { ChosenWall, WallOptions } from "./walls/node-machine-walls.ts";

const DEFAULT_LEASES = 4;

export interface SupervisorOptions {
  /** Processes kept ready for the next plugin, per engine. Default 0. */
  readonly spares?: number;
  readonly walls?: WallOptions;
  /**
   * Processes that one plugin may have at engines that run one call for each process: how many of its calls
   * run at a time. Default 4.
   */
  readonly leases?: number;
  /** Heard when a process with plugins in it ends otherwise than by `close`. */
  readonly onLoss?: (loss: { packKey: string; reason: EndReason; lastWords: string }) => void;
}

/**
 * Owns every sandbox-host process of an embedding program: starts them, packs compartments into them,
 * watches time and memory, kills what overstays, and starts anew.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #cells = new Map<string, Cell | LeasePool>();
  readonly #spares = new Map<string, Sandbox[]>();
  #isClosed = false;

  constructor(options: SupervisorOptions = {}) {
    this.#options = options;
  }

  /** Declares a compartment; nothing is started before its first call. Dispose it when the plugin goes. */
  open(plan: CompartmentPlan): SupervisedCompartment {
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the supervisor is closed");
    // A cell outlives its plans: what it is made of must not hold on to their code.
    const { packKey, engine, level } = plan;
    let cell = this.#cells.get(packKey);
    if (cell === undefined) {
      cell = this.#makeCells(packKey, engine, level);
      this.#cells.set(packKey, cell);
    }
    return new SupervisedCompartment(plan, cell);
  }

  #makeCells(packKey: string, engine: EngineDescriptor, level: SecurityLevel): Cell | LeasePool {
    const makeCell = (): Cell =>
      new Cell(
        () => this.#takeSandbox(engine, level),
        (reason, lastWords) => this.#options.onLoss?.({ packKey, reason, lastWords }),
      );
    return engine.callsPerProcess === 1 ? new LeasePool(makeCell, this.#options.leases ?? DEFAULT_LEASES) : makeCell();
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
    if ((this.#options.spares ?? 0) === 0) return;
    const chosen = await this.wallFor(engine, level);
    if (!this.#isClosed) this.#refill(engine, chosen);
  }

  #refill(engine: EngineDescriptor, chosen: ChosenWall): void {
    const key = `${engine.name}/${chosen.wall.name}`;
    const spares = this.#spares.get(key) ?? [];
    this.#spares.set(key, spares);
    while (spares.length < (this.#options.spares ?? 0)) {
      const spare = new Sandbox(engine, chosen);
      spare.setKeepsAlive(false);
      spares.push(spare);
    }
  }

  async #takeSandbox(engine: EngineDescriptor, level: SecurityLevel): Promise<Sandbox> {
    const chosen = await this.wallFor(engine, level);
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the supervisor is closed");
    const spares = this.#spares.get(`${engine.name}/${chosen.wall.name}`);
    let sandbox = spares?.shift();
    while (sandbox?.hasEnded === true) sandbox = spares?.shift();
    sandbox ??= new Sandbox(engine, chosen);
    sandbox.setKeepsAlive(true);
    setImmediate(() => {
      if (!this.#isClosed) this.#refill(engine, chosen);
    });
    return sandbox;
  }

  /** Ends every process. Calls under way fail with SANDBOX_CLOSED. */
  close(): void {
    this.#isClosed = true;
    for (const cell of this.#cells.values()) cell.close();
    for (const spares of this.#spares.values()) for (const spare of spares) spare.end("closed");
    this.#cells.clear();
    this.#spares.clear();
  }
}

/** A compartment as the host sees it: it survives the loss of the process it runs in. */
export class SupervisedCompartment implements Disposable {
  readonly plan: CompartmentPlan;
  readonly #cell: Cell | LeasePool;

  constructor(plan: CompartmentPlan, cell: Cell | LeasePool) {
    this.plan = plan;
    this.#cell = cell;
  }

  /**
   * Runs one action, starting process and compartment when needed.
   *
   * @throws SandboxError SANDBOX_PLUGIN_THREW, SANDBOX_LOAD_FAILED, SANDBOX_DEADLINE, SANDBOX_CPU,
   *   SANDBOX_MEMORY, SANDBOX_CRASHED, SANDBOX_PROTOCOL, SANDBOX_CANCELLED, SANDBOX_CLOSED,
   *   SANDBOX_START_FAILED, SANDBOX_WALL_MISSING
   */
  call(call: SandboxCall): Promise<WireValue> {
    return this.#cell.call(this.plan, call);
  }

  /**
   * Starts process and compartment ahead of the first call, within the deadlines of both.
   *
   * @throws SandboxError as `call`, but for what belongs to a call
   */
  load(): Promise<void> {
    return this.#cell.load(this.plan);
  }

  /** Drops the running instance, if any: the next call starts afresh. */
  [Symbol.dispose](): void {
    this.#cell.unload(this.plan);
  }
}
