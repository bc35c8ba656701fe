import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine } from "@berth/sandbox";

import { BrokerRequests } from "./broker-requests.ts";
import { capModule } from "./cap-module.ts";
import { BrokerRefused, CallRefused, ModuleRefused } from "./errors.ts";
import { WAITING_FUNCTIONS, makeHostFunctions } from "./host-functions.ts";
import type { CallState, HostWorld } from "./host-functions.ts";
import { KernelMemory } from "./kernel-memory.ts";
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
  /** A new instance for every call; else it stays until it traps or grows too much. */
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
  readonly memory: { readonly buffer: ArrayBuffer } | undefined;
}

/** One call, from its arrival to its answer. */
interface Call extends CallState {
  readonly id: number;
  readonly action: string;
  /** Whether it was given bytes, and so answers with bytes. */
  readonly isBytes: boolean;
  /** CPU time of its earlier turns; a call that waits for the broker takes several. */
  cpuMs: number;
  isCancelled: boolean;
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
  readonly #module: WebAssembly.Module;
  /** Whether it imports a function that waits, and so its calls may be suspended. */
  readonly #mayWait: boolean;
  readonly #kernel: KernelMemory;
  readonly #requests: BrokerRequests;
  readonly #waiting: Call[] = [];
  #instance: LiveInstance | undefined;
  #variables = new Map<string, Uint8Array>();
  #call: Call | undefined;
  #turnBeganMs = 0;
  #garbageBytes = 0;
  #isLost = false;

  constructor(options: WasmEngineOptions, { bytes, memoryMiB, cpuMs }: CompartmentOptions, port: CompartmentPort) {
    this.#options = options;
    this.#port = port;
    this.#cpuMs = cpuMs;
    this.#kernel = new KernelMemory(memoryMiB * MIB);
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

  call(id: number, action: string, json: string, bytes: readonly Uint8Array[]): void {
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
      isCancelled: false,
    };
    if (this.#call !== undefined) {
      if (this.#waiting.length < MAX_WAITING) return void this.#waiting.push(call);
      const message = `${MAX_WAITING} calls wait already for one that waits for the broker`;
      return this.#port.failure(id, failureOf("BerthError", message, "LIMIT"), 0);
    }
    this.#begin(call);
  }

  #begin(call: Call): void {
    this.#call = call;
    this.#turnBeganMs = this.#options.powers.cpuMs();
    let code: unknown;
    try {
      const instance = (this.#instance ??= this.#open());
      const run = instance.actions.get(call.action);
      if (run === undefined)
        throw new CallRefused("INVALID", `the module exports no function ${JSON.stringify(call.action)}`);
      code = run();
    } catch (error) {
      return this.#fail(call, error);
    }
    if (!(code instanceof Promise)) return this.#finish(call, code);
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
    if (call.cpuMs > this.#cpuMs) return this.#lose();
    say();
    const next = this.#waiting.shift();
    // In a turn of its own: the calls of a plugin must not keep others from being heard.
    if (next !== undefined) setImmediate(() => this.#beginUnlessEnded(next));
  }

  #beginUnlessEnded(call: Call): void {
    if (this.#isLost) return;
    // Another may have come first.
    if (this.#call !== undefined) return void this.#waiting.unshift(call);
    if (call.isCancelled) return this.#end(call, () => this.#port.failure(call.id, describe(cancelled()), call.cpuMs));
    this.#begin(call);
  }

  /** Its turn is over: it waits, or it is done. */
  #pause(call: Call): void {
    const now = this.#options.powers.cpuMs();
    call.cpuMs += now - this.#turnBeganMs;
    this.#turnBeganMs = now;
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

  settle(requestId: number, isOk: boolean, json: string, bytes: readonly Uint8Array[]): void {
    this.#requests.settle(requestId, isOk, json, bytes);
  }

  /** A call that waits hears of it as a refusal; one that computes cannot hear, see the class. */
  cancel(callId: number): void {
    const call = [this.#call, ...this.#waiting].find((each) => each?.id === callId);
    if (call === undefined) return;
    call.isCancelled = true;
    if (call === this.#call) this.#requests.abandon(cancelled());
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
    const { exports } = new WebAssembly.Instance(this.#module, makeHostFunctions(this.#world()));
    const memory = exports["memory"] as LiveInstance["memory"];
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
    this.#garbageBytes += this.#instance?.memory?.buffer.byteLength ?? 0;
    this.#instance = undefined;
    this.#variables = new Map();
    if (this.#garbageBytes <= MAX_GARBAGE_BYTES) return;
    this.#garbageBytes = 0;
    this.#options.powers.collectGarbage();
  }

  async #ask(method: string, request: object): Promise<unknown> {
    const call = this.#call;
    if (call === undefined || call.isCancelled) throw cancelled();
    this.#pause(call);
    try {
      return await this.#requests.send(method, request);
    } finally {
      this.#turnBeganMs = this.#options.powers.cpuMs();
    }
  }

  #world(): HostWorld {
    const variables = this.#variables;
    return {
      call: () => {
        if (this.#call === undefined) throw new CallRefused("INVALID", "the plugin calls its host outside a call");
        return this.#call;
      },
      variables,
      memory: () => this.#instance?.memory?.buffer,
      random: () => this.#options.powers.random(),
      ask: (method, request) => this.#ask(method, request),
      log: (level, text) => this.#port.log(this.#call?.id ?? 0, level, text),
    };
  }
}

/** The plugin's own words for what went wrong. */
class PluginError extends Error {}

const cancelled = (): CallRefused => new CallRefused("ABORTED", "the call was cancelled");

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
  if (error instanceof CallRefused || error instanceof BrokerRefused)
    return failureOf("BerthError", error.message, error.code);
  if (error instanceof PluginError) return failureOf("Error", error.message, "");
  if (error instanceof Error) return failureOf(error.name, error.message, "");
  return failureOf("Error", "the module threw", "");
}

const failureOf = (name: string, message: string, code: string): string =>
  JSON.stringify({ name, message: message.slice(0, 4_096), stack: "", code });
