import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { sanitize } from "@berth/base";
import { Session, WireError } from "@berth/wire";
import type { Message } from "@berth/wire";

import type { EngineDescriptor } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import { residentBytes } from "./node-process-memory.ts";
import { FromSandbox, PIPE_DESCRIPTOR } from "./protocol.ts";

/** Why a process was ended by us, or `crashed` when it ended by itself. */
export type EndReason = "deadline" | "memory" | "protocol" | "closed" | "crashed";

/** What its owner hears from a process. */
export interface SandboxListener {
  message(message: Message): void;
  /** The process is gone. Called once, also when it never became ready. */
  ended(reason: EndReason, lastWords: string): void;
}

const STDERR_BYTES = 4_096;
const READY_MS = 10_000;

/** One sandbox-host process and the private pipe to it. */
export class Sandbox {
  readonly engine: EngineDescriptor;
  readonly ready: Promise<void>;
  #listener: SandboxListener | undefined;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;
  readonly #session: Session;
  #outgoing: Uint8Array[] = [];
  #endReason: EndReason | undefined;
  #hasEnded = false;
  #stderr = "";
  /** Resident bytes when ready, before any plugin: what the engine itself costs. */
  #baselineBytes = 0;

  constructor(engine: EngineDescriptor) {
    this.engine = engine;
    // An empty environment, no inherited descriptor but the pipe, no console: there is nothing to find.
    this.#child = spawn(process.execPath, [...engine.nodeFlags, engine.entry], {
      stdio: ["ignore", "ignore", "pipe", "pipe"],
      env: {},
      cwd: "/",
      windowsHide: true,
    });
    this.#pipe = this.#child.stdio[PIPE_DESCRIPTOR] as Duplex;
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    // Whoever awaits `ready` hears of a failure; a spare that nobody awaits must not become an unhandled rejection.
    ready.promise.catch(() => undefined);
    const timer = setTimeout(() => this.end("crashed"), READY_MS);
    this.#session = new Session(this.#queue, (message) => {
      if (message.type !== FromSandbox.ready) return this.#listener?.message(message);
      clearTimeout(timer);
      this.#baselineBytes = residentBytes(this.pid) ?? 0;
      ready.resolve();
    });
    this.#pipe.on("data", (bytes: Uint8Array) => this.#receive(bytes));
    this.#pipe.on("error", () => this.end("crashed"));
    this.#child.stderr?.on("data", (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString("latin1")).slice(-STDERR_BYTES);
    });
    const onEnd = (why: string): void => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      clearTimeout(timer);
      const lastWords = sanitize(this.#stderr.trim().split("\n").slice(-3).join(" | ") || why, 400);
      ready.reject(
        new SandboxError(
          "SANDBOX_START_FAILED",
          `a sandbox host (${engine.name}) ended before it was ready: ${lastWords}`,
        ),
      );
      this.#listener?.ended(this.#endReason ?? "crashed", lastWords);
    };
    this.#child.on("error", (error) => onEnd(error.message));
    this.#child.on("exit", (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.#hasEnded || this.#endReason !== undefined;
  }

  /** Bytes that plugins made the process grow by. */
  grownBytes(): number {
    return (residentBytes(this.pid) ?? 0) - this.#baselineBytes;
  }

  /** Names the owner; a spare process has none until it is used. */
  attach(listener: SandboxListener): void {
    this.#listener = listener;
  }

  /** A spare must not keep the embedding program alive; a process with work must. */
  setKeepsAlive(keepsAlive: boolean): void {
    const method = keepsAlive ? "ref" : "unref";
    this.#child[method]();
    // Node types stdio as plain streams; pipes of a child are sockets, which can be unreferenced.
    for (const stream of [this.#pipe, this.#child.stderr]) (stream as Socket | null)?.[method]();
  }

  /** @throws WireError WIRE_VALUE_TOO_LARGE */
  send(message: Message): void {
    if (!this.hasEnded) this.#session.send(message);
  }

  /** SIGKILL, at once: a process that holds hostile code is not asked. */
  end(reason: EndReason): void {
    this.#endReason ??= reason;
    this.#child.kill("SIGKILL");
    this.#pipe.destroy();
  }

  readonly #queue = (bytes: Uint8Array): void => {
    if (this.#outgoing.push(bytes) === 1) process.nextTick(this.#flush);
  };

  readonly #flush = (): void => {
    const parts = this.#outgoing;
    this.#outgoing = [];
    if (this.#pipe.destroyed) return;
    this.#pipe.write(parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts));
  };

  #receive(bytes: Uint8Array): void {
    if (this.hasEnded) return;
    try {
      // A plain view: sections of it reach callers, who expect Uint8Array and not Node's Buffer.
      this.#session.receive(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.end("protocol");
    }
  }
}
