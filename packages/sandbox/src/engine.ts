import type { SecurityLevel } from "@berth/spec";

import type { Missing, RuntimeFile } from "./walls/wall.ts";

/**
 * An engine as the embedding process knows it: data only. The engine's code runs in sandbox hosts, from
 * `entry`, and nowhere else.
 */
export interface EngineDescriptor {
  readonly name: string;
  /** Kinds of `runtime` in manifests that it executes. */
  readonly runtimes: readonly string[];
  /** Security levels that it serves. */
  readonly levels: readonly SecurityLevel[];
  /** Absolute path of the prebuilt sandbox-host file that holds this engine. */
  readonly entry: string;
  /** What the sandbox-host file reads besides: nothing else exists inside a wall. */
  readonly files: readonly RuntimeFile[];
  /** Flags of Node that the engine needs. */
  readonly nodeFlags: readonly string[];
  /**
   * Calls that one process of a plugin runs at a time; absent means any number. With 1 each process is leased:
   * a plugin gets several, and further calls wait for one that is free.
   */
  readonly callsPerProcess?: 1;
  /** Whether plugins in it can give their answer in pieces. */
  readonly streams?: true;
  /** Why it cannot run on this machine. A host goes on with its other engines, and says so to who needs this one. */
  readonly missing?: Missing;
  /** Nothing of a call is left in memory for the next one. Absent: whatever a call read may still be there. */
  readonly isFresh?: true;
}

/** Why a compartment ended by itself. */
export type LossReason = "cpu" | "memory" | "crashed";

/** What a compartment is opened with. */
export interface CompartmentOptions {
  /** The plugin's bundle as text: one classic script. */
  readonly code: string;
  /** The plugin's bundle as it came, for engines whose bundles are not text. Not to be kept. */
  readonly bytes: Uint8Array;
  /** The name that the bundle has in stack traces. */
  readonly sourceName: string;
  readonly memoryMiB: number;
  /** CPU time for loading and, by default, for one call, milliseconds. */
  readonly cpuMs: number;
}

/** What a compartment tells its sandbox host. Ids of calls are the sandbox host's, ids of requests the guest's. */
export interface CompartmentPort {
  /** To be called before the guest is entered on the engine's own account, such as for a timer. */
  entering(): void;
  /** `cpuMs`: CPU time that was charged to the call, milliseconds. */
  result(callId: number, json: string, bytes: readonly Uint8Array[], cpuMs: number): void;
  /** What `pull` asked for. */
  item(callId: number, json: string, bytes: readonly Uint8Array[]): void;
  /** `failure` is JSON: `{name, message, stack, code}`, in the plugin's own words. */
  failure(callId: number, failure: string, cpuMs: number): void;
  request(requestId: number, callId: number, method: string, json: string, bytes: readonly Uint8Array[]): void;
  log(callId: number, level: string, text: string): void;
  /** `json`: a `Progress` in the guest's words, looked at by whoever hears it. May come while the guest is entered. */
  progress(callId: number, json: string): void;
  /** The compartment is gone, and with it every call in it. */
  lost(reason: LossReason): void;
}

/**
 * `context` is JSON: what the plugin may know of the call. `cpuMs`: CPU time of the call, where it is less than the
 * compartment's own.
 */
type BeginCall = (
  callId: number,
  action: string,
  json: string,
  bytes: readonly Uint8Array[],
  context: string,
  cpuMs?: number,
) => void;

/** One running instance of a plugin. Every method runs the guest to quiescence and returns. */
export interface Compartment extends Disposable {
  /** Names of the actions that the plugin exports. */
  readonly actions: readonly string[];
  call: BeginCall;
  /** Like `call`, for an action that streams: it ends with a result that says nothing, and has items before. */
  stream?: BeginCall;
  /** Asks a stream for its next item. It answers with one item, the end of the stream or a failure. */
  pull?(callId: number): void;
  settle(requestId: number, isOk: boolean, json: string, bytes: readonly Uint8Array[]): void;
  cancel(callId: number): void;
}

/**
 * The contract that every engine satisfies inside a sandbox host. `open` evaluates the plugin's code;
 * what that code throws it throws on as `PluginLoadError`.
 */
export interface Engine {
  readonly name: string;
  open(options: CompartmentOptions, port: CompartmentPort): Compartment;
  /**
   * Makes ready what the next compartment will need whichever plugin it is of. Called when the process has
   * started and after each load, in a moment when nobody waits for it. Never throws.
   */
  prepare?(): void;
  /**
   * The same engine for one load of our own code and one call of it, in a process that waits for its first plugin: what
   * runs there for the first time is compiled then. Nothing that it makes is handed to a plugin.
   */
  rehearsal?(): Engine;
}

/** The plugin's code failed while it was loaded; `failure` is JSON like that of `CompartmentPort.failure`. */
export class PluginLoadError extends Error {
  readonly failure: string;

  constructor(failure: string) {
    super("the plugin's code failed while it was loaded");
    this.name = "PluginLoadError";
    this.failure = failure;
  }
}
