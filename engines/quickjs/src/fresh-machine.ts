import type { BaseMachine } from "./base-machine.ts";
import { Machine } from "./machine.ts";
import { pagesFor } from "./machine-stock.ts";
import type { MachineWorld } from "./machine-world.ts";
import type { MemoryImage } from "./memory-image.ts";

const MIB = 1_048_576;
/** Memory that a call may use before the machine grows and has to be replaced after it. */
const LEAST_ROOM_BYTES = 64 * 1_024;
/** A call that uses more than this beyond the image costs its plugin a new machine. */
const MOST_ROOM_BYTES = MIB;
/** Memory of replaced machines that may wait for the collector. */
const MAX_GARBAGE_BYTES = 32 * MIB;

/**
 * A machine that can be made fresh: an image is taken when the plugin is loaded, and `renew` makes the
 * memory equal to it again. A machine that grew is replaced by a new one; one that trapped must not come here.
 */
export class FreshMachine {
  readonly #base: BaseMachine;
  readonly #world: MachineWorld;
  readonly #maxPages: number;
  readonly #collectGarbage: () => void;
  #machine: Machine;
  #image: MemoryImage;
  #roomBytes = LEAST_ROOM_BYTES;
  #garbageBytes = 0;

  /** `machine` holds what the base holds, and has the limit of `memoryMiB`. */
  constructor(machine: Machine, base: BaseMachine, memoryMiB: number, world: MachineWorld, collectGarbage: () => void) {
    this.#base = base;
    this.#world = world;
    this.#maxPages = pagesFor(memoryMiB);
    this.#collectGarbage = collectGarbage;
    this.#machine = machine;
    this.#machine.limitMemory(memoryMiB * MIB);
    this.#image = base.image;
  }

  get machine(): Machine {
    return this.#machine;
  }

  /** Bytes of the image that are not zero: what an idle compartment is. */
  get imageBytes(): number {
    return this.#image.imageBytes;
  }

  /** Declares what the machine holds now to be its fresh state. */
  keep(): void {
    this.#machine.settleMemory(this.#roomBytes);
    this.#image = this.#machine.takeImage();
  }

  /** Makes the machine as it was kept. Nothing that a call wrote is left, wherever it wrote it. */
  renew(): void {
    const { sizeBytes } = this.#machine;
    if (sizeBytes === this.#image.sizeBytes) return this.#machine.restore(this.#image);
    this.#garbageBytes += sizeBytes;
    this.#machine = new Machine(this.#base.module, this.#maxPages, this.#world, this.#image);
    if (this.#garbageBytes > MAX_GARBAGE_BYTES) {
      this.#garbageBytes = 0;
      this.#collectGarbage();
    }
    if (sizeBytes - this.#image.sizeBytes <= MOST_ROOM_BYTES && this.#roomBytes < MOST_ROOM_BYTES) this.#makeRoom();
  }

  /** A plugin whose calls need a little more gets it in place: zeroing it is cheaper than a new machine. */
  #makeRoom(): void {
    this.#roomBytes = Math.min(this.#roomBytes * 2, MOST_ROOM_BYTES);
    this.keep();
  }
}
