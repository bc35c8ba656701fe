import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine } from "@berth/sandbox";

import { BrokerRequests } from "./broker-requests.ts";
import { capModule } from "./cap-module.ts";
import { ModuleRefused } from "./errors.ts";
import { WAITING_FUNCTIONS, makeHostFunctions } from "./host-functions.ts";
import type { CallState, HostWorld } from "./host-functions.ts";
import { KernelMemory } from "./kernel-memory.ts";
import { refused, tryReadRefusal } from "./refusal.ts";
import { suspendable } from "./suspension.ts";

const MIB = 1_048_576;
/** Memory of discarded instances that may wait for the collector. */
const MAX_GARBAGE_BYTES = 32 * MIB;
/** Initialisers that a compiler may export; they run once in each instance, before its first call. */
const INITIALIZERS = ["_initialize", "__wasm_call_ctors", "hs_init"];
/** How a value that is one byte array, and nothing else, is written; see packages/wire. */
const ONE_BYTE_ARRAY = '{"$bytes":0}';
/** Calls that wait for one that waits for the broker. */
const MAX_WAITING = 1_024;
const NO_BYTES: readonly Uint8Array[] = [];

/** What the engine takes from outside besides calls. */
export interface Powers {
  /** Seeds generators inside modules; from 0 up to, but not including, 1. */
  random(): number;
  /** CPU time of this thread, milliseconds. */
  cpuMs(): number;
  collectGarbage(): void;
}

export interface WasmEngineOptions {
  /** A new instance for every call; else it stays until a call fails in it. */
  readonly isFresh: boolean;
  readonly powers: Powers;
}

/** WebAssembly modules that speak Extism's plug-in ABI: an action is an exported function without parameters. */
export function makeWasmEngine(options: WasmEngineOptions): Engine {
  return {
    name: options.isFresh ? "wasm-fresh" : "wasm",
    open: (compartment, port) => new WasmCompartment(options, compartment, port),
  };
}

type Action = () => unknown;

interface LiveInstance {
  readonly actions: ReadonlyMap<string, Action>;
  /** The module has one at most; it may not show it. */
  readonly memory: WebAssembly.Memory | undefined;
}

/** One call, from its arrival to its answer. */
interface Call extends CallState {
  readonly id: number;
  readonly action: string;
  /** Whether it was given bytes, and so answers with bytes. */
  readonly isBytes: boolean;
  /** CPU time of its earlier turns; a call that waits for the broker takes several. */
  cpuMs: number;
  readonly maxCpuMs: number;
}

/**
 * A module's code cannot be interrupted from its own thread: one that does not return leaves the process busy
 * and silent, and the supervisor ends it. While a call waits for the broker, others wait for it: a module is
 * not made to be entered twice.
 */
class WasmCompartment implements Compartment {
  readonly actions: readonly string[];
  readonly #options: WasmEngineOptions;
  readonly #port: CompartmentPort;
  readonly #cpuMs: number;
  readonly #memoryBytes: number;
  readonly #module: WebAssembly.Module;
  /** Whether it imports a function that waits, and so its calls may be suspended. */
  readonly #mayWait: boolean;
  readonly #kernel: KernelMemory;
  readonly #requests: BrokerRequests;
  readonly #waiting: Call[] = [];
  #instance: LiveInstance | undefined;
  #variables = new Map<string, Uint8Array>();
  #call: Call | undefined;
  /** Whether the caller of the call under way has left. */
  #isCancelled = false;
  /** CPU clock when the module was entered; undefined while it waits or is done. */
  #turnBeganMs: number | undefined;
  /** Whether an instance is being made: initialisers are entered plainly, so they cannot be suspended. */
  #isOpening = false;
  #garbageBytes = 0;
  #isLost = false;

  constructor(options: WasmEngineOptions, { bytes, memoryMiB, cpuMs }: CompartmentOptions, port: CompartmentPort) {
    this.#options = options;
    this.#port = port;
    this.#cpuMs = cpuMs;
    this.#memoryBytes = memoryMiB * MIB;
    this.#kernel = new KernelMemory(this.#memoryBytes);
    this.#requests = new BrokerRequests((id, method, json, sections) =>
      this.#port.request(id, this.#call?.id ?? 0, method, json, sections),
    );
    try {
      this.#module = new WebAssembly.Module(capModule(bytes, memoryMiB));
      refuseUnknownImports(this.#module, makeHostFunctions(this.#world()));
      this.#mayWait = WebAssembly.Module.imports(this.#module).some(({ name }) => WAITING_FUNCTIONS.has(name));
      // The first instance tells what there is to call; a start function that fails fails here.
      this.#instance = this.#open();
      this.actions = [...this.#instance.actions.keys()];
    } catch (error) {
      throw new PluginLoadError(describe(error));
    }
  }

  call(
    id: number,
    action: string,
    json: string,
    bytes: readonly Uint8Array[],
    _context: string,
    maxCpuMs = this.#cpuMs,
  ): void {
    if (this.#isLost) return;
    const isBytes = json === ONE_BYTE_ARRAY && bytes.length === 1;
    if (bytes.length > 0 && !isBytes) {
      const message = "bytes inside a value do not cross to WebAssembly plugins; give the bytes as the whole value";
      return this.#port.failure(id, failureOf("TypeError", message, "INVALID"), 0);
    }
    const call: Call = {
      id,
      action,
      isBytes,
      kernel: this.#kernel,
      input: isBytes ? (bytes[0] as Uint8Array) : Buffer.from(json),
      output: undefined,
      error: undefined,
      settings: undefined,
      response: undefined,
      cpuMs: 0,
      maxCpuMs,
    };
    if (this.#call !== undefined) {
      if (this.#waiting.length < MAX_WAITING) return void this.#waiting.push(call);
      const message = `${MAX_WAITING} calls wait already for one that waits for the broker`;
      return this.#port.failure(id, failureOf("BerthError", message, "LIMIT"), 0);
    }
    this.#begin(call);
  }

  #begin(call: Call): void {
    this.#port.entering();
    this.#call = call;
    this.#isCancelled = false;
    this.#turnBeganMs = this.#options.powers.cpuMs();
    let code: unknown;
    try {
      const instance = (this.#instance ??= this.#open());
      const run = instance.actions.get(call.action);
      if (run === undefined) throw refused("INVALID", `the module exports no function ${JSON.stringify(call.action)}`);
      code = run();
    } catch (error) {
      return this.#fail(call, error);
    }
    if (!(code instanceof Promise)) return this.#finish(call, code);
    // It waits or is done: what others compute before that is heard is not its own.
    this.#pause(call);
    code.then(
      (later) => this.#finish(call, later),
      (error: unknown) => this.#fail(call, error),
    );
  }

  #finish(call: Call, code: unknown): void {
    let output: Uint8Array | undefined;
    try {
      if (call.error !== undefined) throw new PluginError(call.error);
      if (code !== undefined && code !== 0)
        throw new PluginError(`the action ${call.action} answered with code ${String(code)}`);
      output = call.output && this.#kernel.read(call.output.offset, call.output.length);
    } catch (error) {
      return this.#fail(call, error);
    }
    this.#end(call, () => this.#answer(call, output));
  }

  /** Whatever ended it ended it in the middle: the instance is not used again. */
  #fail(call: Call, error: unknown): void {
    this.#discard();
    this.#end(call, () => this.#port.failure(call.id, describe(error), call.cpuMs));
  }

  #end(call: Call, say: () => void): void {
    if (this.#isLost) return;
    this.#pause(call);
    this.#call = undefined;
    this.#kernel.clear();
    if (this.#options.isFresh) this.#discard();
    if (call.cpuMs > call.maxCpuMs) return this.#lose();
    say();
    // In a turn of its own: the calls of a plugin must not keep others from being heard.
    if (this.#waiting.length > 0) setImmediate(() => this.#beginNext());
  }

  #beginNext(): void {
    // Another may have come first; the next is begun when that one ends.
    if (this.#isLost || this.#call !== undefined) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.#begin(next);
  }

  /** Its turn is over, if it was not yet: it waits, or it is done. */
  #pause(call: Call): void {
    if (this.#turnBeganMs === undefined) return;
    call.cpuMs += this.#options.powers.cpuMs() - this.#turnBeganMs;
    this.#turnBeganMs = undefined;
  }

  /** Bytes are answered with bytes, JSON with JSON: what an answer is does not depend on what is in it. */
  #answer({ id, isBytes, cpuMs }: Call, output: Uint8Array | undefined): void {
    if (isBytes) return this.#port.result(id, ONE_BYTE_ARRAY, [output ?? new Uint8Array(0)], cpuMs);
    if (output === undefined) return this.#port.result(id, "null", NO_BYTES, cpuMs);
    const text = tryReadJson(output);
    if (text !== undefined) return this.#port.result(id, text, NO_BYTES, cpuMs);
    const message = "the plugin's answer is not JSON; a plugin that gives bytes is called with bytes";
    this.#port.failure(id, failureOf("TypeError", message, "INVALID"), cpuMs);
  }

  /** In a turn of its own: what the module computes then is charged to its call, and to that alone. */
  settle(requestId: number, isOk: boolean, json: string, bytes: readonly Uint8Array[]): void {
    setImmediate(() => {
      if (!this.#requests.isAwaited(requestId)) return;
      this.#turnBeganMs = this.#options.powers.cpuMs();
      this.#requests.settle(requestId, isOk, json, bytes);
    });
  }

  /** A call that waits ends at once; one that computes cannot hear, see the class. */
  cancel(callId: number): void {
    if (this.#call?.id === callId) {
      this.#isCancelled = true;
      return this.#requests.abandon(cancelled());
    }
    const index = this.#waiting.findIndex(({ id }) => id === callId);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#port.failure(callId, describe(cancelled()), 0);
  }

  [Symbol.dispose](): void {
    this.#isLost = true;
    this.#requests.abandon(cancelled());
    this.#discard();
  }

  #lose(): void {
    this[Symbol.dispose]();
    this.#port.lost("cpu");
  }

  #open(): LiveInstance {
    this.#isOpening = true;
    try {
      return this.#initialize();
    } finally {
      this.#isOpening = false;
    }
  }

  #initialize(): LiveInstance {
    const { exports } = new WebAssembly.Instance(this.#module, makeHostFunctions(this.#world()));
    // By what it is: a function or a number may bear the name.
    const memory = Object.values(exports).find((value) => value instanceof WebAssembly.Memory);
    const actions = new Map<string, Action>();
    this.#instance = { actions, memory };
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value !== "function" || value.length !== 0) continue;
      const run = value as Action;
      actions.set(name, this.#mayWait && !INITIALIZERS.includes(name) ? suspendable(run) : run);
    }
    for (const name of INITIALIZERS) {
      actions.get(name)?.();
      actions.delete(name);
    }
    return this.#instance;
  }

  #discard(): void {
    // A memory that is not shown may have grown to the ceiling.
    if (this.#instance !== undefined)
      this.#garbageBytes += this.#instance.memory?.buffer.byteLength ?? this.#memoryBytes;
    this.#instance = undefined;
    this.#variables = new Map();
    if (this.#garbageBytes <= MAX_GARBAGE_BYTES) return;
    this.#garbageBytes = 0;
    this.#options.powers.collectGarbage();
  }

  async #ask(method: string, request: object): Promise<unknown> {
    const call = this.#call;
    if (call === undefined || this.#isCancelled || this.#isLost) throw cancelled();
    this.#pause(call);
    if (call.cpuMs > call.maxCpuMs) {
      this.#lose();
      throw cancelled();
    }
    try {
      return await this.#requests.send(method, request);
    } catch (error) {
      // What the module could catch it could go on after, uncharged.
      throw tryReadRefusal(error) === undefined ? refused("INVALID", describeBriefly(error)) : error;
    }
  }

  #world(): HostWorld {
    const variables = this.#variables;
    const world: HostWorld = {
      call: () => {
        if (this.#call === undefined) throw refused("INVALID", "the plugin calls its host outside a call");
        return this.#call;
      },
      waitingCall: () => {
        if (this.#isOpening) throw refused("INVALID", "the plugin asks its host to wait while it is being initialised");
        return world.call();
      },
      variables,
      memory: () => this.#instance?.memory?.buffer,
      random: () => this.#options.powers.random(),
      ask: (method, request) => this.#ask(method, request),
      log: (level, text) => this.#port.log(this.#call?.id ?? 0, level, text),
    };
    return world;
  }
}

/** The plugin's own words for what went wrong. */
class PluginError extends Error {}

const cancelled = (): Error => refused("ABORTED", "the call was cancelled");

const describeBriefly = (error: unknown): string =>
  error instanceof Error ? error.message : "the request cannot be sent";

function refuseUnknownImports(
  module: WebAssembly.Module,
  served: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
): void {
  const unknown = WebAssembly.Module.imports(module).filter(
    ({ module: from, name, kind }) =>
      kind !== "function" || !Object.hasOwn(served, from) || !Object.hasOwn(served[from] ?? {}, name),
  );
  if (unknown.length === 0) return;
  const names = unknown.slice(0, 8).map(({ module: from, name, kind }) => `${kind} ${from}.${name}`);
  const isWasi = unknown.some(({ module: from }) => from.startsWith("wasi"));
  const advice = isWasi ? "; WASI is not granted: compile it without files, clocks and the environment" : "";
  throw new ModuleRefused(`it imports what no host gives: ${names.join(", ")}${advice}`);
}

function tryReadJson(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    JSON.parse(text);
    return text;
  } catch {
    return undefined; // Not UTF-8 or not JSON: the caller says so.
  }
}

function describe(error: unknown): string {
  const refusal = tryReadRefusal(error);
  if (refusal !== undefined) return failureOf("BerthError", refusal.message, refusal.code);
  if (error instanceof PluginError) return failureOf("Error", error.message, "");
  if (error instanceof Error) return failureOf(error.name, error.message, "");
  return failureOf("Error", "the module threw", "");
}

const failureOf = (name: string, message: string, code: string): string =>
  JSON.stringify({ name, message: message.slice(0, 4_096), stack: "", code });
