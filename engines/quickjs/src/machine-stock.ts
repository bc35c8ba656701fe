import { DEFAULT_LIMITS } from "@berth/spec";

import type { BaseMachine } from "./base-machine.ts";
import { Machine, PAGE_BYTES } from "./machine.ts";
import type { MachineWorld } from "./machine-world.ts";

const MIB = 1_048_576;
/** The engine's own stack, data and fragmentation, beyond what the plugin may use. */
const OVERHEAD_BYTES = 2 * MIB;
/** One for the plugin, and one to compile its bundle in. */
const MACHINES_PER_LOAD = 2;
/** Goes the ways of a small plugin, so that the first real one finds them compiled. */
const SAMPLE = "var sample = { first: (value) => [`${value}`, { ...value }] }; sample.first({ a: 1 });";

/** What a machine hears before it has a compartment: nothing runs in it. */
const NOWHERE: MachineWorld = { nowMs: () => 0, isOverdue: () => false, hear: () => undefined };

export const pagesFor = (memoryMiB: number): number => (memoryMiB * MIB + OVERHEAD_BYTES) / PAGE_BYTES;

/**
 * Machines that begin as the base: a load needs two, which stand ready when there was an idle moment before. A
 * machine is handed out once and never comes back, so none has seen the code of another compartment.
 */
export class MachineStock {
  readonly #base: BaseMachine;
  readonly #collectGarbage: () => void;
  #ready: Machine[] = [];
  /** What was asked for last; the next compartment of a process is mostly of the same plugin. */
  #memoryMiB = DEFAULT_LIMITS.memoryMiB;
  #loads = 0;

  constructor(base: BaseMachine, collectGarbage: () => void) {
    this.#base = base;
    this.#collectGarbage = collectGarbage;
  }

  /** How many machines stand ready. */
  get readyCount(): number {
    return this.#ready.length;
  }

  /** The two machines of a load, each with exactly this limit: those that are ready, or new ones. */
  takeTwo(memoryMiB: number, world: MachineWorld): { machine: Machine; compiler: Machine } {
    if (memoryMiB !== this.#memoryMiB) this.#ready = [];
    this.#memoryMiB = memoryMiB;
    this.#loads += 1;
    const take = (): Machine => {
      const machine = this.#ready.pop() ?? this.#make();
      machine.moveTo(world);
      return machine;
    };
    return { machine: take(), compiler: take() };
  }

  /** Has two ready before the first load and after the second: most processes only ever have one. */
  prepare(): void {
    if (this.#loads === 1 || this.#ready.length === MACHINES_PER_LOAD) return;
    if (this.#loads === 0) this.#runSample();
    // Memories of dropped machines make V8 collect in the middle of a load.
    else this.#collectGarbage();
    while (this.#ready.length < MACHINES_PER_LOAD) this.#ready.push(this.#make());
  }

  /** WebAssembly compiles each function of QuickJS when it is first called; this machine is dropped afterwards. */
  #runSample(): void {
    const bytecode = this.#make().compile(SAMPLE, "sample.js", true);
    const machine = this.#make();
    if (bytecode !== undefined) machine.evaluate(bytecode);
    machine.call(this.#base.functions.start, []);
    machine.settleMemory(0);
    machine.takeImage();
  }

  #make(): Machine {
    return new Machine(this.#base.module, pagesFor(this.#memoryMiB), NOWHERE, this.#base.image);
  }
}
