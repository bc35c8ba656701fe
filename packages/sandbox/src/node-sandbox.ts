import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { sanitize } from "@berth/base";
import { Session, WireError } from "@berth/wire";
import type { Message } from "@berth/wire";

import type { EngineDescriptor } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import { BatchedPipe } from "./node-batched-pipe.ts";
import { ProcessUsage } from "./node-process-usage.ts";
import { startHere } from "./node-start.ts";
import type { StartListener, StartProcess, StartedProcess } from "./node-start.ts";
import type { ProcessState } from "./process-state.ts";
import { FromSandbox } from "./protocol.ts";
import type { Usage } from "./usage-watch.ts";
import type { GroupPlace } from "./walls/cgroup-mounts.ts";
import type { ChosenWall } from "./walls/node-machine-walls.ts";
import { isChildOf } from "./walls/node-process-life.ts";
import { ResourceGroup } from "./walls/node-resource-group.ts";

/** Why a process was ended by us, `crashed` when it ended by itself, or `starter` when it fell with what started it. */
export type EndReason = "deadline" | "cpu" | "memory" | "protocol" | "closed" | "crashed" | "starter";

/** What its owner hears from a process. */
export interface SandboxListener {
  message(message: Message): void;
  /** The process is gone. Called once, also when it never became ready. */
  ended(reason: EndReason, lastWords: string): void;
}

/** What is kept of a process's last words. */
const LAST_WORDS_CHARACTERS = 4_096;
const READY_MS = 10_000;
const FULL_READ_BYTES = 65_536;

/** One sandbox-host process and the private pipe to it. */
export class Sandbox {
  readonly engine: EngineDescriptor;
  readonly ready: Promise<void>;
  #listener: SandboxListener | undefined;
  readonly #process: StartedProcess;
  /** `undefined` until the process is there. */
  #pipe: Duplex | undefined;
  readonly #session: Session;
  #group: ResourceGroup | undefined;
  /** Node's process id; rejected when it ends without one. */
  readonly #processId = Promise.withResolvers<number>();
  readonly #readiness = Promise.withResolvers<void>();
  readonly #readyTimer: NodeJS.Timeout;
  /** What was spawned: Node, or its launcher; 0 until it is known. */
  #spawnedId = 0;
  /** Node's process as soon as it is known; `#pid` is the same one when it is watched. */
  #startingPid = 0;
  #pid = 0;
  #usage: ProcessUsage | undefined;
  /** Why we ended it before it was ready. */
  #why = "";
  #endReason: EndReason | undefined;
  #hasEnded = false;
  #keepsAlive = true;
  #lastWords = "";
  #isReady = false;
  /** Bytes held when ready, before any plugin: what the engine itself costs. */
  #baselineBytes = 0;

  /**
   * `start` starts the process; left out, as a child of this one.
   *
   * @throws SandboxError SANDBOX_START_FAILED when the system refuses at once, or the wall has no user left
   */
  constructor(
    engine: EngineDescriptor,
    { wall, groupPlace }: Pick<ChosenWall, "wall" | "groupPlace">,
    start: StartProcess = startHere,
  ) {
    this.engine = engine;
    this.ready = this.#readiness.promise;
    // Whoever awaits these hears of a failure; a spare that nobody awaits must not become an unhandled rejection.
    this.ready.catch(() => undefined);
    const processId = this.#processId.promise;
    // At once, while it may still be looked into.
    const opened = processId.then((pid) => this.#watch(pid));
    opened.catch(() => undefined); // Awaited when it is ready.
    const outgoing = new BatchedPipe((bytes) => {
      if (this.#pipe?.destroyed === false) this.#pipe.write(bytes);
    });
    this.#session = new Session(outgoing.write, (message) => {
      // What came with the frame that broke the protocol is no better.
      if (this.#endReason === "protocol") return;
      if (message.type !== FromSandbox.ready) return this.#listener?.message(message);
      // Once: what it weighs when ready is what its memory is measured from.
      if (this.#isReady) return this.end("protocol");
      this.#isReady = true;
      opened
        .then(() => this.#becomeReady(groupPlace))
        // The launcher did not say which process to watch, or it cannot be watched.
        .catch((error: Error) => {
          this.#why = error.message;
          this.end("crashed");
        });
    });
    this.#readyTimer = setTimeout(() => this.end("crashed"), READY_MS);
    try {
      this.#process = start(wall.describe(), this.#startListener());
    } catch (error) {
      clearTimeout(this.#readyTimer);
      const why = sanitize(error instanceof Error ? error.message : String(error));
      throw new SandboxError("SANDBOX_START_FAILED", `a sandbox host (${engine.name}) could not be started: ${why}`, {
        cause: error,
      });
    }
  }

  #startListener(): StartListener {
    return {
      connected: (pipe, spawnedId) => {
        this.#pipe = pipe;
        this.#spawnedId = spawnedId;
        // It was told to end, or ended, before it was there.
        if (this.hasEnded) pipe.destroy();
        pipe.on("error", () => this.end("crashed"));
        pipe.on("data", (bytes: Uint8Array) => this.#receive(pipe, bytes));
        this.#holdPipe();
      },
      knownAs: (pid) => {
        this.#startingPid = pid;
        this.#processId.resolve(pid);
      },
      said: (words) => (this.#lastWords = (this.#lastWords + words).slice(-LAST_WORDS_CHARACTERS)),
      ended: (why, isOurs = false) => this.#noteEnd(why, isOurs),
    };
  }

  async #becomeReady(groupPlace: GroupPlace | undefined): Promise<void> {
    this.#baselineBytes = this.#usage?.heldBytes() ?? 0;
    if (groupPlace !== undefined) await this.#joinGroup(groupPlace);
    clearTimeout(this.#readyTimer);
    this.#readiness.resolve();
  }

  #noteEnd(why: string, isOurs: boolean): void {
    this.#hasEnded = true;
    clearTimeout(this.#readyTimer);
    this.#processId.reject(new Error("the launcher told no process id"));
    // A process that outlives its launcher has nobody left to work for.
    this.#pipe?.destroy();
    this.#usage?.[Symbol.dispose]();
    this.#usage = undefined;
    const lastWords = sanitize(this.#lastWords.trim().split("\n").slice(-3).join(" | ") || this.#why || why, 400);
    this.#readiness.reject(
      new SandboxError(
        "SANDBOX_START_FAILED",
        `a sandbox host (${this.engine.name}) ended before it was ready: ${lastWords}`,
      ),
    );
    const hasRunOut = this.#endReason === undefined && this.#group?.hasRunOut() === true;
    void this.#group?.remove();
    const reason = this.#endReason ?? (isOurs ? "starter" : hasRunOut ? "memory" : "crashed");
    this.#listener?.ended(reason, lastWords);
  }

  /** Node's process, which is not always the one that was spawned; 0 until it is known. */
  get pid(): number {
    return this.#pid;
  }

  get hasEnded(): boolean {
    return this.#hasEnded || this.#endReason !== undefined;
  }

  /** Bytes that were sent and that the process has not taken from the pipe. */
  get unreadBytes(): number {
    return this.#session.queuedBytes + (this.#pipe?.writableLength ?? 0);
  }

  /** @throws Error where it cannot be seen what the process uses: what cannot be watched must not run */
  #watch(pid: number): void {
    this.#pid = pid;
    if (process.platform !== "linux" || this.#hasEnded) return;
    this.#usage = new ProcessUsage(pid);
  }

  /** Before any plugin, so that what plugins take is charged to the group. */
  async #joinGroup(place: GroupPlace): Promise<void> {
    let group: ResourceGroup | undefined;
    try {
      group = await ResourceGroup.make(place);
      if (!this.hasEnded) {
        await group.add(this.#pid);
        this.#group = group;
      }
    } catch {
      // The process ended meanwhile, or the machine took the right back: the watchdog remains.
    }
    // Its end was told of before there was a group to remove.
    if (this.#group === undefined || this.#hasEnded) void group?.remove();
  }

  /** Tells the kernel what plugins may take in all, where it can be told. */
  allowMemory(bytes: number): void {
    try {
      if (!this.hasEnded) this.#group?.allowMemory(bytes);
    } catch {
      // Somebody else removed the group: the watchdog remains.
    }
  }

  usage(): Usage {
    return this.#usage?.beyond(this.#baselineBytes) ?? { grownBytes: undefined, cpuMs: undefined };
  }

  /** What it holds in all, and how much of that it has taken since it was ready. */
  memory(): Pick<ProcessState, "heldBytes" | "grownBytes"> {
    const heldBytes = this.#usage?.heldBytes();
    return { heldBytes, grownBytes: heldBytes && Math.max(heldBytes - this.#baselineBytes, 0) };
  }

  /** Names the owner; a spare process has none until it is used. */
  attach(listener: SandboxListener): void {
    this.#listener = listener;
  }

  /** A spare must not keep the embedding program alive; a process with work must. */
  setKeepsAlive(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive;
    this.#process.setKeepsAlive(keepsAlive);
    this.#holdPipe();
  }

  #holdPipe(): void {
    // Node types a child's pipes as plain streams; they are sockets, which can be unreferenced.
    (this.#pipe as Socket | undefined)?.[this.#keepsAlive ? "ref" : "unref"]();
  }

  /** @throws WireError WIRE_VALUE_TOO_LARGE */
  send(message: Message): void {
    if (!this.hasEnded) this.#session.send(message);
  }

  /** SIGKILL, at once: a process that holds hostile code is not asked. */
  end(reason: EndReason): void {
    this.#endReason ??= reason;
    this.#pipe?.destroy();
    if (this.#hasEnded) return;
    // At once, also when the starter is at work.
    if (isChildOf(this.#startingPid, this.#spawnedId || undefined)) {
      try {
        process.kill(this.#startingPid, "SIGKILL");
      } catch {
        // It has ended already, or it belongs to a user whom only its launcher may signal.
      }
    }
    this.#process.kill();
  }

  #receive(pipe: Duplex, bytes: Uint8Array): void {
    if (this.hasEnded) return;
    // A read that filled its buffer is followed by others in the same turn of the event loop, up to two
    // megabytes: a flood must not keep the embedding program from its own work.
    if (bytes.length >= FULL_READ_BYTES) {
      pipe.pause();
      setImmediate(() => pipe.resume());
    }
    try {
      // A plain view: sections of it reach callers, who expect Uint8Array and not Node's Buffer.
      this.#session.receive(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.end("protocol");
    }
  }
}
