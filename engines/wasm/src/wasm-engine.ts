import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine } from "@berth/sandbox";

import { capModule } from "./cap-module.ts";
import { CallRefused, ModuleRefused } from "./errors.ts";
import { makeHostFunctions } from "./host-functions.ts";
import type { CallState, HostWorld } from "./host-functions.ts";
import { KernelMemory } from "./kernel-memory.ts";

const MIB = 1_048_576;
/** Memory of discarded instances that may wait for the collector. */
const MAX_GARBAGE_BYTES = 32 * MIB;
/** Initialisers that a compiler may export; they run once in each instance, before its first call. */
const INITIALIZERS = ["_initialize", "__wasm_call_ctors", "hs_init"];
/** How a value that is one byte array, and nothing else, is written; see packages/wire. */
const ONE_BYTE_ARRAY = '{"$bytes":0}';
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

/**
 * A module's code cannot be interrupted from its own thread: one that does not return leaves the process busy
 * and silent, and the supervisor ends it.
 */
class WasmCompartment implements Compartment {
  readonly actions: readonly string[];
  readonly #options: WasmEngineOptions;
  readonly #port: CompartmentPort;
  readonly #cpuMs: number;
  readonly #module: WebAssembly.Module;
  readonly #kernel: KernelMemory;
  #instance: LiveInstance | undefined;
  #variables = new Map<string, Uint8Array>();
  #call: CallState | undefined;
  #callId = 0;
  #garbageBytes = 0;
  #isLost = false;

  constructor(options: WasmEngineOptions, { bytes, memoryMiB, cpuMs }: CompartmentOptions, port: CompartmentPort) {
    this.#options = options;
    this.#port = port;
    this.#cpuMs = cpuMs;
    this.#kernel = new KernelMemory(memoryMiB * MIB);
    try {
      this.#module = new WebAssembly.Module(capModule(bytes, memoryMiB));
      refuseUnknownImports(this.#module, makeHostFunctions(this.#world()));
      // The first instance tells what there is to call; a start function that fails fails here.
      this.#instance = this.#open();
      this.actions = [...this.#instance.actions.keys()];
    } catch (error) {
      throw new PluginLoadError(describe(error));
    }
  }

  call(callId: number, action: string, json: string, bytes: readonly Uint8Array[]): void {
    if (this.#isLost) return;
    const isBytes = json === ONE_BYTE_ARRAY && bytes.length === 1;
    if (bytes.length > 0 && !isBytes) {
      const message = "bytes inside a value do not cross to WebAssembly plugins; give the bytes as the whole value";
      return this.#port.failure(callId, failureOf("TypeError", message, "INVALID"));
    }
    const call: CallState = {
      kernel: this.#kernel,
      input: isBytes ? (bytes[0] as Uint8Array) : Buffer.from(json),
      output: undefined,
      error: undefined,
    };
    this.#callId = callId;
    const startedMs = this.#options.powers.cpuMs();
    let failure: string | undefined;
    let output: Uint8Array | undefined;
    try {
      output = this.#run(action, call);
    } catch (error) {
      // Whatever ended it ended it in the middle: the instance is not used again.
      this.#discard();
      failure = describe(error);
    }
    this.#kernel.clear();
    if (this.#options.isFresh) this.#discard();
    if (this.#options.powers.cpuMs() - startedMs > this.#cpuMs) return this.#lose();
    if (failure !== undefined) return this.#port.failure(callId, failure);
    this.#answer(callId, output, isBytes);
  }

  #run(action: string, call: CallState): Uint8Array | undefined {
    this.#call = call;
    try {
      const instance = (this.#instance ??= this.#open());
      const run = instance.actions.get(action);
      if (run === undefined)
        throw new CallRefused("INVALID", `the module exports no function ${JSON.stringify(action)}`);
      const code = run();
      if (call.error !== undefined) throw new PluginError(call.error);
      if (code !== undefined && code !== 0) throw new PluginError(`the action ${action} answered with code ${code}`);
      return call.output && this.#kernel.read(call.output.offset, call.output.length);
    } finally {
      this.#call = undefined;
    }
  }

  /** Bytes are answered with bytes, JSON with JSON: what an answer is does not depend on what is in it. */
  #answer(callId: number, output: Uint8Array | undefined, isBytes: boolean): void {
    if (isBytes) return this.#port.result(callId, ONE_BYTE_ARRAY, [output ?? new Uint8Array(0)]);
    if (output === undefined) return this.#port.result(callId, "null", NO_BYTES);
    const text = tryReadJson(output);
    if (text !== undefined) return this.#port.result(callId, text, NO_BYTES);
    const message = "the plugin's answer is not JSON; a plugin that gives bytes is called with bytes";
    this.#port.failure(callId, failureOf("TypeError", message, "INVALID"));
  }

  /** Nothing here waits for the broker, so there is nothing to settle. */
  settle(): void {}

  /** A call that runs cannot hear; see the class. */
  cancel(): void {}

  [Symbol.dispose](): void {
    this.#isLost = true;
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
    for (const [name, value] of Object.entries(exports))
      if (typeof value === "function" && value.length === 0) actions.set(name, value as Action);
    this.#instance = { actions, memory };
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
      log: (level, text) => this.#port.log(this.#callId, level, text),
    };
  }
}

/** The plugin's own words for what went wrong. */
class PluginError extends Error {}

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
  if (error instanceof CallRefused) return failureOf("BerthError", error.message, error.code);
  if (error instanceof PluginError) return failureOf("Error", error.message, "");
  if (error instanceof Error) return failureOf(error.name, error.message, "");
  return failureOf("Error", "the module threw", "");
}

const failureOf = (name: string, message: string, code: string): string =>
  JSON.stringify({ name, message: message.slice(0, 4_096), stack: "", code });
