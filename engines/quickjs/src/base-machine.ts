import { importMemory } from "./imported-memory.ts";
import { Machine } from "./machine.ts";
import type { MachineWorld } from "./machine-world.ts";
import type { MemoryImage } from "./memory-image.ts";
import type { Box } from "./quickjs-exports.ts";

/** Names of the host functions, and their first characters, by which a machine tells them apart. */
const POST = "post";
const DRAW = "draw";
const LOAD = "load";
export const HostFunction = { post: POST.charCodeAt(0), draw: DRAW.charCodeAt(0), load: LOAD.charCodeAt(0) } as const;

/** Enough for QuickJS and the guest library. */
const BASE_PAGES = 1_024;

/** Functions of the guest library in every machine that began as the base. */
export interface GuestFunctions {
  readonly start: Box;
  readonly prepare: Box;
  readonly call: Box;
  readonly stream: Box;
  readonly pull: Box;
  readonly settle: Box;
  readonly cancel: Box;
  readonly fire: Box;
  readonly describe: Box;
}

/** A machine with the guest library and no plugin, made once in each process: compartments begin as it was. */
export interface BaseMachine {
  readonly module: WebAssembly.Module;
  readonly image: MemoryImage;
  readonly functions: GuestFunctions;
}

/**
 * Starts QuickJS and evaluates the guest library. Nothing of a plugin runs here.
 *
 * @throws Error when the two files do not fit together
 */
export function makeBaseMachine(wasm: Uint8Array, guestScript: string): BaseMachine {
  const module = new WebAssembly.Module(importMemory(wasm));
  const world: MachineWorld = { nowMs: () => 0, isOverdue: () => false, hear: () => undefined };
  const machine = new Machine(module, BASE_PAGES, world);
  // Compiled elsewhere: what the compiler leaves behind would stand in every image.
  const guest = new Machine(module, BASE_PAGES, world).compile(guestScript, "berth:guest", false);
  const boot = guest && machine.evaluate(guest);
  const hostFunctions = [POST, DRAW, LOAD].map((name) => machine.makeHostFunction(name));
  const entry = boot && machine.callBoxes(boot, hostFunctions);
  if (entry === undefined) throw new Error("the guest library did not start in QuickJS");
  const functions: GuestFunctions = {
    start: machine.member(entry, "start"),
    prepare: machine.member(entry, "prepare"),
    call: machine.member(entry, "call"),
    stream: machine.member(entry, "stream"),
    pull: machine.member(entry, "pull"),
    settle: machine.member(entry, "settle"),
    cancel: machine.member(entry, "cancel"),
    fire: machine.member(entry, "fire"),
    describe: machine.member(entry, "describe"),
  };
  machine.settleMemory(0);
  return { module, image: machine.takeImage(), functions };
}
