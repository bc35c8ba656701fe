import { writeSync } from "node:fs";
import { Socket } from "node:net";

import { DEFAULT_LIMITS } from "@berth/spec";
import { Session, textOf } from "@berth/wire";
import type { Message, WireValue } from "@berth/wire";

import { EntryTurns } from "./entry-turns.ts";
import { BatchedPipe } from "./node-batched-pipe.ts";
import { PluginLoadError } from "./engine.ts";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine, LossReason } from "./engine.ts";
import { IdleMoments } from "./node-idle-moments.ts";
import { LogGate, MAX_LINE_LENGTH } from "./log-gate.ts";
import { ProgressRelay } from "./progress-relay.ts";
import { MAX_PROGRESS_BYTES, tryParseProgress } from "./progress.ts";
import { FromSandbox, MAX_WORDS_BYTES, PIPE_DESCRIPTOR, ToSandbox } from "./protocol.ts";
import type { CallExtras, LoadHead } from "./protocol.ts";
import { MAX_REQUEST_BYTES, RequestWindow } from "./request-window.ts";
import { StreamWindow, MAX_ITEM_BYTES } from "./stream-window.ts";
import { confine } from "./walls/node-confine.ts";
import type { Leave } from "./walls/node-confine.ts";
import { FOREIGN_FUNCTIONS_FILE } from "./walls/node-foreign-functions.ts";
import { runtimeFile, sandboxHostArguments } from "./walls/node-runtime-files.ts";

export { loadAddon, runtimeFile } from "./walls/node-runtime-files.ts";

const MAX_METHOD_LENGTH = 1_000;
const STDERR_DESCRIPTOR = 2;
const NO_BYTES = new Uint8Array(0);
const NO_SECTIONS: readonly Uint8Array[] = [];
const valueOf = (json: string, bytes: readonly Uint8Array[] = NO_SECTIONS): WireValue => ({
  json: Buffer.from(json),
  bytes,
});
const NO_VALUE = valueOf("null");
const REHEARSED = Buffer.from("var berthPlugin = { actions: { echo: (value) => value } };");
const REHEARSAL_MS = 1_000;
/** Lines that one compartment may log in a second; the rest is counted, not sent. */
const MAX_LINES_PER_SECOND = 1_000;
/** Reports of progress that one compartment may send in a second, for all of its calls; the latest of each wait. */
const MAX_REPORTS_PER_SECOND = 100;

/**
 * The main function of a sandbox-host process: serves one engine over descriptor 3 until the pipe ends.
 * Nothing in this process is trusted by the other end; it exists to be lost.
 */
export function runSandboxHost(engine: Engine): void {
  const socket = new Socket({ fd: PIPE_DESCRIPTOR, readable: true, writable: true });
  const pipe = new BatchedPipe((bytes) => socket.write(bytes));
  // Everything is loaded, and nothing of the pipe has been read: that happens in a later turn.
  const { confinement } = sandboxHostArguments();
  const leave: Leave =
    confinement === undefined
      ? (code) => process.exit(code)
      : confine(runtimeFile(FOREIGN_FUNCTIONS_FILE), confinement);
  process.on("uncaughtException", (error: unknown) => {
    try {
      writeSync(STDERR_DESCRIPTOR, `${error instanceof Error ? error.stack : String(error)}\n`);
    } finally {
      leave(1);
    }
  });
  const host = new SandboxHost(engine, pipe);
  // While the embedding process hears that this one is ready and sends its first message.
  setImmediate(() => engine.prepare?.());
  socket.on("data", (bytes: Uint8Array) => host.receive(bytes));
  // The embedding process is gone, or wants this one to go: there is nobody left to work for.
  socket.on("close", () => leave(0));
  socket.on("error", () => leave(0));
}

/** A call of which items are wanted. */
interface OpenStream {
  readonly window: StreamWindow;
  /** Whether the plugin was asked for an item that has not come. */
  isAsked: boolean;
}

class SandboxHost {
  readonly #engine: Engine;
  readonly #pipe: BatchedPipe;
  readonly #session: Session;
  readonly #compartments = new Map<number, Compartment>();
  readonly #windows = new Map<number, RequestWindow>();
  /** Which compartment a call belongs to. */
  readonly #calls = new Map<number, number>();
  /** Calls of which somebody hears how far they have come. */
  readonly #progress = new Map<number, ProgressRelay>();
  readonly #gates = new Map<number, LogGate>();
  readonly #streams = new Map<number, OpenStream>();
  readonly #idleMoments: IdleMoments;
  /** Requests are numbered by each guest; the pipe needs one numbering for all. */
  readonly #requests = new Map<number, { compartment: number; requestId: number }>();
  #nextRequest = 1;
  readonly #turns = new EntryTurns(() => performance.now(), setImmediate);
  /** The call on whose behalf a request was sent last. */
  #asked = 0;
  /** The compartment that was entered last. */
  #entered = 0;
  /** Whether a plugin came, or a rehearsal was held for the first one. */
  #hasBegun = false;

  constructor(engine: Engine, pipe: BatchedPipe) {
    this.#engine = engine;
    this.#pipe = pipe;
    this.#session = new Session(pipe.write, (message) => this.#take(message));
    this.#idleMoments = new IdleMoments(
      () => this.#calls.size > 0,
      () => {
        if (!this.#hasBegun) this.#rehearse();
        engine.prepare?.();
      },
    );
    // Of a process that was started for nobody yet.
    if (engine.rehearsal !== undefined) this.#idleMoments.askForOne();
    this.#session.send({ type: FromSandbox.ready, id: 0, head: engine.name });
  }

  /** Frame by frame what a first plugin will need, with answers that nobody hears. */
  #rehearse(): void {
    this.#hasBegun = true;
    const engine = this.#engine.rehearsal?.();
    if (engine === undefined) return;
    const host = new SandboxHost(engine, new BatchedPipe(() => undefined));
    const session = new Session(
      (bytes) => host.receive(bytes),
      () => undefined,
    );
    const head: LoadHead = { sourceName: "rehearsal.js", memoryMiB: DEFAULT_LIMITS.memoryMiB, cpuMs: REHEARSAL_MS };
    session.send({ type: ToSandbox.load, id: 1, head: JSON.stringify(head), value: valueOf("null", [REHEARSED]) });
    session.send({ type: ToSandbox.call, id: 1, head: JSON.stringify([1, "echo", "{}"]), value: valueOf("{}") });
    session.send({ type: ToSandbox.unload, id: 1, head: "" });
  }

  receive(bytes: Uint8Array): void {
    // A plain view: its sections become Uint8Arrays inside the guest.
    this.#session.receive(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #take({ type, id, head, value = NO_VALUE }: Message): void {
    this.#idleMoments.noteWork();
    switch (type) {
      case ToSandbox.call: {
        const [compartment, action, context, extras] = JSON.parse(head) as [number, string, string, CallExtras?];
        this.#calls.set(id, compartment);
        if (extras?.progress === true) this.#progress.set(id, this.#relayOf(id, compartment));
        if (extras?.stream === true) {
          this.#streams.set(id, { window: new StreamWindow(), isAsked: false });
          return this.#inTurn(compartment, () => {
            this.#enter(compartment)?.stream?.(id, action, textOf(value), value.bytes, context, extras.cpuMs);
            this.#tellBegun(id);
            this.#pull(id, compartment);
          });
        }
        return this.#inTurn(compartment, () => {
          this.#enter(compartment)?.call(id, action, textOf(value), value.bytes, context, extras?.cpuMs);
          this.#tellBegun(id);
        });
      }
      case ToSandbox.taken: {
        const compartment = this.#calls.get(id);
        const stream = this.#streams.get(id);
        if (compartment === undefined || stream === undefined) return; // It has ended meanwhile.
        stream.window.taken();
        return this.#inTurn(compartment, () => this.#pull(id, compartment));
      }
      case ToSandbox.answer:
      case ToSandbox.refusal: {
        const request = this.#requests.get(id);
        if (request === undefined) return;
        this.#requests.delete(id);
        this.#windows.get(request.compartment)?.leave();
        const isOk = type === ToSandbox.answer;
        return this.#inTurn(request.compartment, () =>
          this.#enter(request.compartment)?.settle(request.requestId, isOk, textOf(value), value.bytes),
        );
      }
      case ToSandbox.cancel: {
        const compartment = this.#calls.get(id);
        if (compartment === undefined) return;
        // Nothing more is asked for; what the plugin does at the end is its own.
        this.#streams.delete(id);
        return this.#inTurn(compartment, () => this.#enter(compartment)?.cancel(id));
      }
      case ToSandbox.load:
        return this.#load(id, JSON.parse(head) as LoadHead, value);
      case ToSandbox.unload:
        this.#unload(id);
        return this.#session.send({ type: FromSandbox.unloaded, id, head: "" });
      default:
        throw new Error(`unknown message type ${type}`);
    }
  }

  /** At once where nobody else could be kept waiting. */
  #inTurn(compartment: number, entry: () => void): void {
    if (this.#compartments.size < 2 && this.#turns.isEmpty) entry();
    else this.#turns.add(compartment, entry);
  }

  /** A compartment may never return; what others have said must not be lost with it, nor who it was. */
  #entering(compartment: number): void {
    if (this.#entered === compartment) return;
    this.#entered = compartment;
    this.#session.send({ type: FromSandbox.entered, id: compartment, head: "" });
    this.#pipe.flush();
  }

  #enter(compartment: number): Compartment | undefined {
    this.#entering(compartment);
    return this.#compartments.get(compartment);
  }

  /** Most calls have ended when their entry returns, or have asked for something: then nothing more needs to be said. */
  #tellBegun(callId: number): void {
    if (this.#asked !== callId && this.#calls.has(callId))
      this.#session.send({ type: FromSandbox.begun, id: callId, head: "" });
  }

  #load(id: number, head: LoadHead, value: WireValue): void {
    this.#hasBegun = true;
    const [bytes = NO_BYTES] = value.bytes;
    this.#enter(id);
    try {
      const { sourceName, memoryMiB, cpuMs } = head;
      const options: CompartmentOptions = {
        // Decoded only for an engine that wants text.
        get code() {
          return new TextDecoder().decode(bytes);
        },
        bytes,
        sourceName,
        memoryMiB,
        cpuMs,
      };
      const compartment = this.#engine.open(options, this.#portOf(id));
      this.#compartments.set(id, compartment);
      this.#session.send({ type: FromSandbox.loaded, id, head: JSON.stringify(compartment.actions) });
    } catch (error) {
      const failure =
        error instanceof PluginLoadError
          ? error.failure
          : JSON.stringify({ name: "Error", message: "the engine could not open a compartment" });
      this.#sendWords(FromSandbox.loadFailed, id, failure);
    }
    this.#idleMoments.askForOne();
  }

  #unload(id: number): void {
    this.#compartments.get(id)?.[Symbol.dispose]();
    this.#compartments.delete(id);
    this.#windows.delete(id);
    this.#turns.drop(id);
    this.#gates.delete(id);
    for (const [callId, compartment] of this.#calls) {
      if (compartment !== id) continue;
      this.#calls.delete(callId);
      this.#streams.delete(callId);
      this.#progress.get(callId)?.drop();
      this.#progress.delete(callId);
    }
    for (const [key, request] of this.#requests) if (request.compartment === id) this.#requests.delete(key);
  }

  #send(type: number, id: number, head: string, json: string, bytes: readonly Uint8Array[]): void {
    this.#session.send({ type, id, head, value: valueOf(json, bytes) });
  }

  #portOf(compartment: number): CompartmentPort {
    const window = new RequestWindow();
    const gate = new LogGate(MAX_LINES_PER_SECOND);
    this.#windows.set(compartment, window);
    return {
      entering: () => this.#entering(compartment),
      result: (callId, json, bytes, cpuMs) => {
        this.#endCall(callId);
        try {
          this.#send(FromSandbox.result, callId, formatCpu(cpuMs), json, bytes);
        } catch (error) {
          // The only refusal of `send` is size: the call fails, the compartment lives on.
          const message = error instanceof Error ? error.message : "the value cannot be sent";
          this.#sendWords(
            FromSandbox.failure,
            callId,
            JSON.stringify({ name: "RangeError", message, stack: "", code: "" }),
            formatCpu(cpuMs),
          );
        }
      },
      item: (callId, json, bytes) => this.#item(callId, compartment, json, bytes),
      failure: (callId, failure, cpuMs) => {
        this.#endCall(callId);
        this.#sendWords(FromSandbox.failure, callId, failure, formatCpu(cpuMs));
      },
      request: (requestId, callId, method, json, bytes) =>
        window.pass(() => this.#request({ compartment, requestId, callId }, method, json, bytes)),
      log: (callId, level, text) => {
        const { passes, droppedBefore } = gate.admit(performance.now());
        if (!passes) return;
        if (droppedBefore > 0) this.#log(compartment, 0, "warn", `${droppedBefore} lines of the log were dropped`);
        this.#log(compartment, callId, level, text);
      },
      progress: (callId, json) => {
        if (this.#calls.get(callId) === compartment) this.#progress.get(callId)?.offer(json);
      },
      lost: (reason) => this.#lose(compartment, reason),
    };
  }

  #lose(compartment: number, reason: LossReason): void {
    this.#unload(compartment);
    this.#session.send({ type: FromSandbox.lost, id: compartment, head: reason });
  }

  #pull(callId: number, compartment: number): void {
    const stream = this.#streams.get(callId);
    if (stream === undefined || stream.isAsked || !stream.window.isOpen) return;
    stream.isAsked = true;
    this.#enter(compartment)?.pull?.(callId);
  }

  /** What nobody asked for is not heard: the guest library gives one item for each time that it is asked. */
  #item(callId: number, compartment: number, json: string, bytes: readonly Uint8Array[]): void {
    const stream = this.#streams.get(callId);
    if (stream?.isAsked !== true || this.#calls.get(callId) !== compartment) return;
    const size = bytes.reduce((sum, { length }) => sum + length, Buffer.byteLength(json));
    // The guest library refuses it: this plugin tampered with its own.
    if (size > MAX_ITEM_BYTES) return this.#lose(compartment, "crashed");
    stream.isAsked = false;
    stream.window.sent(size);
    this.#send(FromSandbox.item, callId, "", json, bytes);
    // Later: the guest may not be entered while it is being heard, and neighbours have their turn.
    this.#turns.add(compartment, () => this.#pull(callId, compartment));
  }

  #endCall(callId: number): void {
    this.#calls.delete(callId);
    if (this.#streams.size > 0) this.#streams.delete(callId);
    if (this.#progress.size === 0) return;
    this.#progress.get(callId)?.end();
    this.#progress.delete(callId);
  }

  #relayOf(callId: number, compartment: number): ProgressRelay {
    let gate = this.#gates.get(compartment);
    if (gate === undefined) this.#gates.set(compartment, (gate = new LogGate(MAX_REPORTS_PER_SECOND)));
    return new ProgressRelay({
      now: () => performance.now(),
      setTimer(run, delayMs) {
        const timer = setTimeout(run, delayMs);
        return () => clearTimeout(timer);
      },
      admit: () => gate.admit(performance.now()).passes,
      send: (json) => {
        if (json.length > MAX_PROGRESS_BYTES || tryParseProgress(json) === undefined) return;
        this.#send(FromSandbox.progress, callId, "", json, NO_SECTIONS);
        // The guest may be entered and not return for long.
        this.#pipe.flush();
      },
    });
  }

  #request(
    { compartment, requestId, callId }: { compartment: number; requestId: number; callId: number },
    method: string,
    json: string,
    bytes: readonly Uint8Array[],
  ): boolean {
    // It may have waited for its turn until its call was over.
    if (this.#calls.get(callId) !== compartment) return false;
    const size = bytes.reduce((sum, { length }) => sum + length, Buffer.byteLength(json));
    if (size > MAX_REQUEST_BYTES || method.length > MAX_METHOD_LENGTH) {
      const message = `a request has ${size} bytes, at most ${MAX_REQUEST_BYTES} cross`;
      const report = JSON.stringify({ code: "WIRE_VALUE_TOO_LARGE", message });
      // Later: the guest may not be entered while it is being heard.
      setImmediate(() => {
        this.#windows.get(compartment)?.leave();
        this.#enter(compartment)?.settle(requestId, false, report, []);
      });
      return true;
    }
    const id = this.#nextRequest;
    this.#nextRequest = (this.#nextRequest % 0xffff_ffff) + 1;
    this.#requests.set(id, { compartment, requestId });
    this.#asked = callId;
    this.#send(FromSandbox.request, id, JSON.stringify([compartment, callId, method]), json, bytes);
    return true;
  }

  /** What a plugin says of a failure; a plugin that says too much is not quoted. */
  #sendWords(type: number, id: number, failure: string, head = ""): void {
    const isTooLong = Buffer.byteLength(failure) > MAX_WORDS_BYTES;
    const words = isTooLong ? JSON.stringify({ name: "Error", message: "(too long to be quoted)" }) : failure;
    this.#send(type, id, head, words, []);
  }

  #log(compartment: number, callId: number, level: string, text: string): void {
    const line = text.slice(0, MAX_LINE_LENGTH);
    this.#send(FromSandbox.log, callId, JSON.stringify([compartment, level]), line, []);
  }
}

const formatCpu = (cpuMs: number): string => String(Math.round(cpuMs * 1_000));
