import type { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { sanitize } from "@berth/base";
import { Session, WireError } from "@berth/wire";
import type { Message } from "@berth/wire";

import type { EngineDescriptor } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import { BatchedPipe } from "./node-batched-pipe.ts";
import { ProcessUsage } from "./node-process-usage.ts";
import { FromSandbox } from "./protocol.ts";
import type { Usage } from "./usage-watch.ts";
import type { GroupPlace } from "./walls/cgroup-mounts.ts";
import type { ChosenWall } from "./walls/node-machine-walls.ts";
import { ResourceGroup } from "./walls/node-resource-group.ts";
import { spawnDescribed } from "./walls/node-spawn.ts";
import type { SpawnedHost } from "./walls/node-spawn.ts";
import type { Wall } from "./walls/wall.ts";

/** Why a process was ended by us, or `crashed` when it ended by itself. */
export type EndReason = "deadline" | "cpu" | "memory" | "protocol" | "closed" | "crashed";

/** What its owner hears from a process. */
export interface SandboxListener {
  message(message: Message): void;
  /** The process is gone. Called once, also when it never became ready. */
  ended(reason: EndReason, lastWords: string): void;
}

/** What is kept of a process's last words, and how much it may say before nobody listens any more. */
const STDERR_BYTES = 4_096;
const MAX_STDERR_BYTES = 262_144;
const READY_MS = 10_000;
/** How long a launcher has to tell which process it started, when that is to be ended. */
const TELL_MS = 1_000;
const FULL_READ_BYTES = 65_536;

/** One sandbox-host process and the private pipe to it. */
export class Sandbox {
  readonly engine: EngineDescriptor;
  readonly ready: Promise<void>;
  #listener: SandboxListener | undefined;
  readonly #child: ChildProcess;
  readonly #pipe: Duplex;
  readonly #session: Session;
  #group: ResourceGroup | undefined;
  readonly #processId: Promise<number>;
  /** Node's process as soon as it is known; `#pid` is the same one when it is ready. */
  #startingPid = 0;
  #pid = 0;
  #usage: ProcessUsage | undefined;
  /** Why we ended it before it was ready. */
  #why = "";
  #endReason: EndReason | undefined;
  #hasEnded = false;
  #stderr = "";
  #stderrBytes = 0;
  #isReady = false;
  /** Bytes held when ready, before any plugin: what the engine itself costs. */
  #baselineBytes = 0;

  /** @throws SandboxError SANDBOX_START_FAILED when the system refuses at once, or the wall has no user left */
  constructor(engine: EngineDescriptor, { wall, groupPlace }: Pick<ChosenWall, "wall" | "groupPlace">) {
    this.engine = engine;
    const { child, pipe, stderr, processId } = startBehind(wall, engine.name);
    this.#child = child;
    this.#pipe = pipe;
    this.#processId = processId;
    processId.then(
      (pid) => (this.#startingPid = pid),
      () => undefined, // Handled where it is awaited.
    );
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    // Whoever awaits `ready` hears of a failure; a spare that nobody awaits must not become an unhandled rejection.
    ready.promise.catch(() => undefined);
    const timer = setTimeout(() => this.end("crashed"), READY_MS);
    // At once, while it may still be looked into.
    const opened = processId.then((pid) => this.#watch(pid));
    opened.catch(() => undefined); // Awaited when it is ready.
    const outgoing = new BatchedPipe((bytes) => {
      if (!this.#pipe.destroyed) this.#pipe.write(bytes);
    });
    this.#session = new Session(outgoing.write, (message) => {
      // What came with the frame that broke the protocol is no better.
      if (this.#endReason === "protocol") return;
      if (message.type !== FromSandbox.ready) return this.#listener?.message(message);
      // Once: what it weighs when ready is what its memory is measured from.
      if (this.#isReady) return this.end("protocol");
      this.#isReady = true;
      opened.then(
        () => {
          clearTimeout(timer);
          this.#baselineBytes = this.#usage?.heldBytes() ?? 0;
          if (groupPlace !== undefined) this.#joinGroup(groupPlace);
          ready.resolve();
        },
        // The launcher did not say which process to watch, or it cannot be watched.
        (error: Error) => {
          this.#why = error.message;
          this.end("crashed");
        },
      );
    });
    this.#pipe.on("data", (bytes: Uint8Array) => this.#receive(bytes));
    this.#pipe.on("error", () => this.end("crashed"));
    stderr.on("data", (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString("latin1")).slice(-STDERR_BYTES);
      this.#stderrBytes += bytes.length;
      if (this.#stderrBytes > MAX_STDERR_BYTES) this.#child.stderr?.destroy();
    });
    const onEnd = (why: string): void => {
      if (this.#hasEnded) return;
      this.#hasEnded = true;
      clearTimeout(timer);
      this.#usage?.[Symbol.dispose]();
      this.#usage = undefined;
      const lastWords = sanitize(this.#stderr.trim().split("\n").slice(-3).join(" | ") || this.#why || why, 400);
      ready.reject(
        new SandboxError(
          "SANDBOX_START_FAILED",
          `a sandbox host (${engine.name}) ended before it was ready: ${lastWords}`,
        ),
      );
      const hasRunOut = this.#endReason === undefined && this.#group?.hasRunOut() === true;
      void this.#group?.remove();
      this.#listener?.ended(this.#endReason ?? (hasRunOut ? "memory" : "crashed"), lastWords);
    };
    this.#child.on("error", (error) => onEnd(error.message));
    this.#child.on("exit", (code, signal) => onEnd(signal === null ? `exit code ${code}` : `signal ${signal}`));
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
    return this.#session.queuedBytes + this.#pipe.writableLength;
  }

  /** @throws Error where it cannot be seen what the process uses: what cannot be watched must not run */
  #watch(pid: number): void {
    this.#pid = pid;
    if (process.platform !== "linux" || this.#hasEnded) return;
    this.#usage = new ProcessUsage(pid);
  }

  /** Before any plugin, so that what plugins take is charged to the group. */
  #joinGroup(place: GroupPlace): void {
    let group: ResourceGroup | undefined;
    try {
      group = new ResourceGroup(place);
      group.add(this.#pid);
      this.#group = group;
    } catch {
      // The process ended meanwhile, or the machine took the right back: the watchdog remains.
      void group?.remove();
    }
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
    this.#pipe.destroy();
    if (this.#startingPid > 0) return this.#kill();
    // A launcher that is killed before its child follows it leaves that one behind, waiting for ever: first comes
    // the child's number, which it tells within milliseconds, or its end.
    const kill = (): void => this.#kill();
    const timer = setTimeout(kill, TELL_MS);
    this.#processId.then(kill, kill).finally(() => clearTimeout(timer));
  }

  #kill(): void {
    if (this.#hasEnded) return;
    if (isChildOf(this.#startingPid, this.#child.pid)) {
      try {
        process.kill(this.#startingPid, "SIGKILL");
      } catch {
        // It has ended already, or it belongs to a user whom only its launcher may signal.
      }
    }
    this.#child.kill("SIGKILL");
  }

  #receive(bytes: Uint8Array): void {
    if (this.hasEnded) return;
    // A read that filled its buffer is followed by others in the same turn of the event loop, up to two
    // megabytes: a flood must not keep the embedding program from its own work.
    if (bytes.length >= FULL_READ_BYTES) {
      this.#pipe.pause();
      setImmediate(() => this.#pipe.resume());
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

/** By its number alone it could be another process by now; the launcher's child it is only while both live. */
function isChildOf(pid: number, parent: number | undefined): boolean {
  if (pid === 0 || pid === parent || parent === undefined) return false;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]) === parent;
  } catch {
    return false; // It has ended.
  }
}

function startBehind(wall: Wall, engine: string): SpawnedHost {
  try {
    return spawnDescribed(wall.describe());
  } catch (error) {
    const why = sanitize(error instanceof Error ? error.message : String(error));
    throw new SandboxError("SANDBOX_START_FAILED", `a sandbox host (${engine}) could not be started: ${why}`, {
      cause: error,
    });
  }
}
