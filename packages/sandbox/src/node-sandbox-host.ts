import { Socket } from "node:net";

import { Session, textOf } from "@berth/wire";
import type { Message, WireValue } from "@berth/wire";

import { PluginLoadError } from "./engine.ts";
import type { Compartment, CompartmentPort, Engine } from "./engine.ts";
import { FromSandbox, PIPE_DESCRIPTOR, ToSandbox } from "./protocol.ts";
import type { LoadHead } from "./protocol.ts";

const NO_VALUE: WireValue = { json: Buffer.from("null"), bytes: [] };
/** Lines that one compartment may log between two turns of the event loop; the rest is counted, not sent. */
const MAX_LINES_PER_TURN = 1_000;

/** Joins what is sent within one turn into one write: several frames cost one system call. */
class BatchedPipe {
  readonly #socket: Socket;
  #parts: Uint8Array[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  readonly write = (bytes: Uint8Array): void => {
    if (this.#parts.push(bytes) === 1) process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    const parts = this.#parts;
    this.#parts = [];
    this.#socket.write(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts));
  };
}

/**
 * The main function of a sandbox-host process: serves one engine over descriptor 3 until the pipe ends.
 * Nothing in this process is trusted by the other end; it exists to be lost.
 */
export function runSandboxHost(engine: Engine): void {
  const socket = new Socket({ fd: PIPE_DESCRIPTOR, readable: true, writable: true });
  const pipe = new BatchedPipe(socket);
  const host = new SandboxHost(engine, pipe.write);
  socket.on("data", (bytes: Uint8Array) => host.receive(bytes));
  // The embedding process is gone, or wants this one to go: there is nobody left to work for.
  socket.on("close", () => process.exit(0));
  socket.on("error", () => process.exit(0));
}

class SandboxHost {
  readonly #engine: Engine;
  readonly #session: Session;
  readonly #compartments = new Map<number, Compartment>();
  /** Which compartment a call belongs to. */
  readonly #calls = new Map<number, number>();
  /** Requests are numbered by each guest; the pipe needs one numbering for all. */
  readonly #requests = new Map<number, { compartment: number; requestId: number }>();
  #nextRequest = 1;
  readonly #linesThisTurn = new Map<number, number>();

  constructor(engine: Engine, write: (bytes: Uint8Array) => void) {
    this.#engine = engine;
    this.#session = new Session(write, (message) => this.#take(message));
    this.#session.send({ type: FromSandbox.ready, id: 0, head: engine.name });
  }

  receive(bytes: Uint8Array): void {
    // A plain view: its sections become Uint8Arrays inside the guest.
    this.#session.receive(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #take({ type, id, head, value = NO_VALUE }: Message): void {
    switch (type) {
      case ToSandbox.call: {
        const [compartment, action, context] = JSON.parse(head) as [number, string, string];
        this.#calls.set(id, compartment);
        this.#compartments.get(compartment)?.call(id, action, textOf(value), value.bytes, context);
        return;
      }
      case ToSandbox.answer:
      case ToSandbox.refusal: {
        const request = this.#requests.get(id);
        if (request === undefined) return;
        this.#requests.delete(id);
        const isOk = type === ToSandbox.answer;
        this.#compartments.get(request.compartment)?.settle(request.requestId, isOk, textOf(value), value.bytes);
        return;
      }
      case ToSandbox.cancel:
        this.#compartments.get(this.#calls.get(id) ?? 0)?.cancel(id);
        return;
      case ToSandbox.load:
        return this.#load(id, JSON.parse(head) as LoadHead, value);
      case ToSandbox.unload:
        return this.#unload(id);
      default:
        throw new Error(`unknown message type ${type}`);
    }
  }

  #load(id: number, head: LoadHead, value: WireValue): void {
    const code = new TextDecoder().decode(value.bytes[0]);
    try {
      const compartment = this.#engine.open({ ...head, code }, this.#portOf(id));
      this.#compartments.set(id, compartment);
      this.#session.send({ type: FromSandbox.loaded, id, head: JSON.stringify(compartment.actions) });
    } catch (error) {
      const failure =
        error instanceof PluginLoadError
          ? error.failure
          : JSON.stringify({ name: "Error", message: "the engine could not open a compartment" });
      this.#send(FromSandbox.loadFailed, id, "", failure, []);
    }
  }

  #unload(id: number): void {
    this.#compartments.get(id)?.[Symbol.dispose]();
    this.#compartments.delete(id);
    for (const [callId, compartment] of this.#calls) if (compartment === id) this.#calls.delete(callId);
    for (const [key, request] of this.#requests) if (request.compartment === id) this.#requests.delete(key);
  }

  #send(type: number, id: number, head: string, json: string, bytes: readonly Uint8Array[]): void {
    this.#session.send({ type, id, head, value: { json: Buffer.from(json), bytes } });
  }

  #portOf(compartment: number): CompartmentPort {
    return {
      result: (callId, json, bytes) => {
        this.#calls.delete(callId);
        try {
          this.#send(FromSandbox.result, callId, "", json, bytes);
        } catch (error) {
          // The only refusal of `send` is size: the call fails, the compartment lives on.
          const message = error instanceof Error ? error.message : "the value cannot be sent";
          this.#send(
            FromSandbox.failure,
            callId,
            "",
            JSON.stringify({ name: "RangeError", message, stack: "", code: "" }),
            [],
          );
        }
      },
      failure: (callId, failure) => {
        this.#calls.delete(callId);
        this.#send(FromSandbox.failure, callId, "", failure, []);
      },
      request: (requestId, callId, method, json, bytes) => {
        const id = this.#nextRequest;
        this.#nextRequest = (this.#nextRequest % 0xffff_ffff) + 1;
        this.#requests.set(id, { compartment, requestId });
        this.#send(FromSandbox.request, id, JSON.stringify([compartment, callId, method]), json, bytes);
      },
      log: (callId, level, text) => this.#log(compartment, callId, level, text),
      lost: (reason) => {
        this.#unload(compartment);
        this.#session.send({ type: FromSandbox.lost, id: compartment, head: reason });
      },
    };
  }

  #log(compartment: number, callId: number, level: string, text: string): void {
    const lines = this.#linesThisTurn.get(compartment) ?? 0;
    if (lines === 0) setImmediate(() => this.#linesThisTurn.delete(compartment));
    this.#linesThisTurn.set(compartment, lines + 1);
    if (lines >= MAX_LINES_PER_TURN) return;
    this.#send(FromSandbox.log, callId, JSON.stringify([compartment, level]), JSON.stringify(text), []);
  }
}
