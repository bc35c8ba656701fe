import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine, LossReason } from "@berth/sandbox";
import { GuestSignal, partsNeededBy } from "@berth/guest";
import type { LibraryPart } from "@berth/guest";

import { HostFunction } from "./base-machine.ts";
import type { BaseMachine } from "./base-machine.ts";
import { CpuBudget } from "./cpu-budget.ts";
import { FreshMachine } from "./fresh-machine.ts";
import { MachineStock } from "./machine-stock.ts";
import { OutOfMemory } from "./machine.ts";
import type { ArgumentReader } from "./machine-world.ts";
import type { Argument, Machine } from "./machine.ts";
import type { Powers } from "./powers.ts";
import type { Box } from "./quickjs-exports.ts";
import { isOutOfMemory, loadFailure, readSaying, tryParseMethod } from "./saying.ts";
import type { Saying, Words } from "./saying.ts";

type Bytes = readonly Uint8Array[];

const NO_BYTES: Bytes = [];
const MIB = 1_048_576;
/** More than the guest library allows, so that only a plugin which tampered with it comes to this. */
const MAX_TIMERS = 1_024;
/** Promise jobs between two looks at the clock. */
const JOBS_PER_LOOK = 64;
/** What the guest's clock reads while a plugin is loaded: the same in every process, so that images agree. */
const LOAD_TIME_MS = 0;
const FAILED_UNREADABLY = JSON.stringify({ name: "InternalError", message: "the plugin failed", stack: "", code: "" });

/** QuickJS in WebAssembly: the same fresh machine for every call, one call at a time. */
export function makeQuickJsEngine(base: BaseMachine, powers: Powers): Engine {
  const stock = new MachineStock(base, powers.collectGarbage);
  return {
    name: "quickjs",
    open: (options, port) => new QuickJsCompartment(base, stock, powers, options, port),
    prepare: () => stock.prepare(),
  };
}

export class QuickJsCompartment implements Compartment {
  readonly actions: readonly string[];
  readonly #base: BaseMachine;
  readonly #powers: Powers;
  readonly #port: CompartmentPort;
  readonly #cpuMs: number;
  readonly #fresh: FreshMachine;
  readonly #budget: CpuBudget;
  /** The call under way; at most one, because afterwards everything it did is undone. */
  #callId: number | undefined;
  /** What the guest said in the entry under way. */
  #said: Saying[] = [];
  /** Bytes of it, and of the requests that have no answer yet. */
  #saidBytes = 0;
  readonly #maxSaidBytes: number;
  #isFresh = false;
  #isLost = false;
  #isLoaded = false;
  #nowMs = LOAD_TIME_MS;
  #loadWord = 0;
  /** Requests of the call under way, by numbers of ours: a guest that is fresh for every call numbers its own alike. */
  readonly #requests = new Map<number, { readonly guestId: number; readonly bytes: number }>();
  #nextRequest = 1;
  readonly #timers = new Map<number, () => void>();

  constructor(
    base: BaseMachine,
    stock: MachineStock,
    powers: Powers,
    options: CompartmentOptions,
    port: CompartmentPort,
  ) {
    this.#base = base;
    this.#powers = powers;
    this.#port = port;
    this.#cpuMs = options.cpuMs;
    this.#maxSaidBytes = options.memoryMiB * MIB;
    this.#budget = new CpuBudget(powers.clocks);
    const world = {
      nowMs: () => this.#nowMs,
      isOverdue: () => this.#budget.isOverdrawn(),
      hear: (name: number, read: ArgumentReader) => this.#hear(name, read),
    };
    // A machine of its own for compiling, so that the compiler leaves nothing behind in the other.
    const { machine, compiler } = stock.takeTwo(options.memoryMiB, world);
    this.#fresh = new FreshMachine(machine, base, options.memoryMiB, world, powers.collectGarbage);
    this.actions = this.#load(options, compiler);
    this.#isLoaded = true;
    this.#isFresh = true;
  }

  /** The machine's memory, for those who look for residue in it. */
  get memory(): Uint8Array {
    return this.#fresh.machine.memory;
  }

  /** Bytes that an idle compartment needs. */
  get imageBytes(): number {
    return this.#fresh.imageBytes;
  }

  #load({ code, sourceName, cpuMs }: CompartmentOptions, compiler: Machine): string[] {
    const { machine } = this.#fresh;
    this.#budget.fill(cpuMs);
    let names: string | undefined;
    let failure: string | undefined;
    try {
      for (const part of partsNeededBy(code)) this.#prepare(part, compiler);
      const bytecode = compiler.compile(code, sourceName, true);
      const value = bytecode && machine.evaluate(bytecode);
      const list = value && machine.call(this.#base.functions.start, []);
      if (bytecode === undefined) failure = this.#describeException(compiler);
      else if (list === undefined || !this.#runJobs()) failure = this.#describeException(machine);
      else failure = this.#describeRejection();
      if (failure === undefined && list !== undefined) names = machine.text(list);
    } catch (error) {
      failure = loadFailure(error instanceof OutOfMemory ? "out of memory" : "the engine trapped");
    }
    if (this.#budget.isOverdrawn()) failure = loadFailure("the code used more CPU time than it may");
    if (names === undefined) throw new PluginLoadError(failure ?? FAILED_UNREADABLY);
    this.#fresh.keep();
    return JSON.parse(names) as string[];
  }

  /** Compiled elsewhere and before any code of the plugin runs: the image gets the part and nothing of its making. */
  #prepare(part: LibraryPart, compiler: Machine): void {
    const { machine } = this.#fresh;
    const bytecode = compiler.compile(this.#powers.partScript(part), "berth:guest", false);
    const make = bytecode && machine.evaluate(bytecode);
    // Else it loads when it is asked for, and says what is wrong.
    if (make !== undefined) machine.callBoxes(this.#base.functions.prepare, [machine.makeText(part), make]);
  }

  call(callId: number, action: string, json: string, bytes: Bytes, context: string, cpuMs?: number): void {
    this.#begin(this.#base.functions.call, { callId, cpuMs }, [action, json, context, ...bytes]);
  }

  stream(callId: number, action: string, json: string, bytes: Bytes, context: string, cpuMs?: number): void {
    this.#begin(this.#base.functions.stream, { callId, cpuMs }, [action, json, context, ...bytes]);
  }

  pull(callId: number): void {
    if (!this.#isLost && this.#callId === callId) this.#enter(this.#base.functions.pull, [callId]);
  }

  #begin(
    target: Box,
    { callId, cpuMs = this.#cpuMs }: { readonly callId: number; readonly cpuMs: number | undefined },
    args: readonly Argument[],
  ): void {
    if (this.#isLost) return;
    if (this.#callId !== undefined) {
      const message = "this engine runs one call at a time";
      return this.#port.failure(callId, JSON.stringify({ name: "Error", message, stack: "", code: "" }), 0);
    }
    // The supervisor may be faster than the renewal after the last call.
    this.#renew();
    this.#isFresh = false;
    this.#callId = callId;
    this.#budget.fill(cpuMs);
    this.#enter(target, [callId, ...args]);
  }

  settle(requestId: number, isOk: boolean, json: string, bytes: Bytes): void {
    const request = this.#requests.get(requestId);
    // Nothing runs on behalf of a call that has ended.
    if (this.#isLost || request === undefined) return;
    this.#requests.delete(requestId);
    this.#saidBytes -= request.bytes;
    this.#enter(this.#base.functions.settle, [request.guestId, isOk, json, ...bytes]);
  }

  cancel(callId: number): void {
    if (!this.#isLost && this.#callId === callId) this.#enter(this.#base.functions.cancel, [callId]);
  }

  [Symbol.dispose](): void {
    this.#isLost = true;
    this.#callId = undefined;
    this.#said = [];
    this.#stopTimers();
  }

  /**
   * Runs the guest until it has nothing left to do. What it says is delivered only afterwards: whoever waits
   * for the answer waits until the call's work is over and paid for.
   */
  #enter(target: Box, args: readonly Argument[]): void {
    const { machine } = this.#fresh;
    this.#nowMs = this.#powers.nowMs();
    let answer: string | undefined;
    let failure: string | undefined;
    try {
      const value = machine.call(target, args);
      if (value === undefined || !this.#runJobs()) failure = this.#describeException(machine);
      else {
        answer = machine.text(value);
        failure = this.#describeRejection();
      }
    } catch (error) {
      // A trap leaves the machine in the middle of something: it is never used again.
      return this.#lose(error instanceof OutOfMemory ? "memory" : "crashed");
    }
    if (this.#budget.isOverdrawn()) return this.#lose("cpu");
    // The guest library catches what plugins throw; what still arrives here is QuickJS speaking.
    if (failure !== undefined) this.#fail(failure);
    if (answer !== undefined) this.#succeed(answer, NO_BYTES);
    this.#deliver();
  }

  /** False when time ran out, or a job could not even fail. */
  #runJobs(): boolean {
    let jobs = 0;
    return this.#fresh.machine.runJobs(() => {
      jobs += 1;
      return jobs % JOBS_PER_LOOK !== 0 || !this.#budget.isOverdrawn();
    });
  }

  #describeException(machine: Machine): string {
    return this.#describe(machine, machine.takeException());
  }

  /** A rejection that nobody handled when the entry was over fails its call, as it ends a process of Node. */
  #describeRejection(): string | undefined {
    const { machine } = this.#fresh;
    const reason = machine.takeRejection();
    return reason === undefined ? undefined : this.#describe(machine, reason);
  }

  #describe(machine: Machine, thrown: Box): string {
    const text = machine.callBoxes(this.#base.functions.describe, [thrown]);
    return (text === undefined ? undefined : machine.text(text)) ?? FAILED_UNREADABLY;
  }

  #fail(failure: string): void {
    if (isOutOfMemory(failure)) return this.#lose("memory");
    const callId = this.#endCall();
    if (callId !== undefined) this.#port.failure(callId, failure, this.#budget.usedMs());
  }

  #succeed(json: string, bytes: Bytes): void {
    const callId = this.#endCall();
    if (callId !== undefined) this.#port.result(callId, json, bytes, this.#budget.usedMs());
  }

  #lose(reason: LossReason): void {
    if (this.#isLost) return;
    this[Symbol.dispose]();
    this.#port.lost(reason);
  }

  /** Takes what the guest says. It is hostile: every argument is looked at before it is used. */
  #hear(name: number, read: ArgumentReader): number | string | undefined {
    if (name === HostFunction.draw) return this.#drawWord();
    if (name === HostFunction.load) return this.#powers.partScript(read.text(0) ?? "");
    const [kind, id, head, json] = [read.number(0), read.number(1), read.text(2), read.text(3)];
    if (kind === undefined || id === undefined || head === undefined || json === undefined) return undefined;
    // Lines leave at once, so that they are there when the entry never returns.
    if (kind === GuestSignal.log) this.#port.log(this.#callId ?? 0, head, json);
    else if (kind === GuestSignal.progress && this.#callId !== undefined) this.#port.progress(this.#callId, json);
    // Outside a call nobody listens to anything else: a plugin works within calls.
    else if (this.#callId !== undefined) this.#keep({ kind, id, head, json }, read);
    return undefined;
  }

  /** What is said waits in this process's own heap, so it counts as the plugin's memory. */
  #keep(words: Words, read: ArgumentReader): void {
    const saying = readSaying(words, read, this.#maxSaidBytes - this.#saidBytes);
    this.#saidBytes += saying.sizeBytes;
    this.#said.push(saying);
  }

  #deliver(): void {
    const entry = this.#said;
    if (entry.length === 0) return;
    this.#said = [];
    for (const said of entry) {
      this.#saidBytes -= said.sizeBytes;
      // The call may end on the way; what was said after that is nobody's.
      if (this.#callId !== undefined) this.#obey(said);
    }
  }

  #obey({ kind, id, head, json, bytes, sizeBytes }: Saying): void {
    switch (kind) {
      case GuestSignal.result:
        if (id === this.#callId) this.#succeed(json, bytes);
        return;
      case GuestSignal.failure:
        if (id === this.#callId) this.#fail(json);
        return;
      case GuestSignal.request: {
        const method = tryParseMethod(head);
        if (method === undefined || this.#callId === undefined) return;
        const requestId = this.#nextRequest;
        this.#nextRequest += 1;
        // It may wait for its turn to cross, so it counts until it is answered.
        this.#requests.set(requestId, { guestId: id, bytes: sizeBytes });
        this.#saidBytes += sizeBytes;
        return this.#port.request(requestId, this.#callId, method, json, bytes);
      }
      case GuestSignal.item:
        if (id === this.#callId) this.#port.item(id, json, bytes);
        return;
      case GuestSignal.timer:
        if (this.#timers.size >= MAX_TIMERS) return;
        this.#timers.get(id)?.();
        this.#timers.set(
          id,
          this.#powers.setTimer(() => this.#wake(id), Number(json) || 1),
        );
        return;
      case GuestSignal.clearTimer:
        this.#timers.get(id)?.();
        this.#timers.delete(id);
        return;
      default:
        return;
    }
  }

  /** While a plugin is loaded the words are the same in every process. */
  #drawWord(): number {
    if (this.#isLoaded) return this.#powers.randomWord();
    this.#loadWord += 1;
    return this.#loadWord;
  }

  #wake(timerId: number): void {
    if (!this.#timers.delete(timerId) || this.#isLost) return;
    this.#port.entering();
    this.#enter(this.#base.functions.fire, [timerId]);
  }

  /** Answers with the call that was under way, if any. */
  #endCall(): number | undefined {
    const callId = this.#callId;
    if (callId === undefined) return undefined;
    this.#callId = undefined;
    for (const { bytes } of this.#requests.values()) this.#saidBytes -= bytes;
    this.#requests.clear();
    this.#stopTimers();
    // After the answer has left: the caller does not wait for it, and secrets do not wait for the next call.
    this.#powers.whenIdle(() => this.#renew());
    return callId;
  }

  #stopTimers(): void {
    for (const stop of this.#timers.values()) stop();
    this.#timers.clear();
  }

  #renew(): void {
    if (this.#isFresh || this.#isLost || this.#callId !== undefined) return;
    this.#fresh.renew();
    this.#isFresh = true;
  }
}
