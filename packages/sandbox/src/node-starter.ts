import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fstat } from "node:fs";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { sanitize } from "@berth/base";

import { OrderedProgram } from "./node-ordered-program.ts";
import type { ProgramConfinement, ProgramOutcome, ProgramRun } from "./node-program.ts";
import { startHere } from "./node-start.ts";
import type { StartListener, StartProcess, StartedProcess } from "./node-start.ts";
import type { FromStarter, ProgramOrder, ToStarter } from "./starter-message.ts";
import type { SpawnDescription } from "./walls/wall.ts";

const MAIN = fileURLToPath(new URL("../dist-runtime/starter.cjs", import.meta.url));

/** Something that a starter was told to start, as this program follows it. */
interface Ordered {
  /** Answers whether nothing more is said of it. */
  hear(message: FromStarter, pipe: Socket | undefined): boolean;
  /** The starter is gone, and everything that it started. */
  lose(why: string): void | Promise<void>;
}

const factsOf = promisify(fstat);

/** What is idle for so long is dropped. */
const DEFAULT_IDLE_MS = 60_000;

/**
 * Starts sandbox hosts, or runs programs, from a small process of its own. On Linux a process that starts another one
 * stands still while the kernel copies its page tables: the longer, the more memory it has, and the embedding program's
 * event loop with it. The first start makes that process; where it is lost, so are all that it started, and the next
 * start makes another one.
 */
export class Starter {
  readonly #idleMs: number;
  #process: StarterProcess | undefined;
  #runsUnderWay = 0;
  #idleTimer: NodeJS.Timeout | undefined;

  /** `idleMs`: how long after the last program was run the process ends. */
  constructor(idleMs = DEFAULT_IDLE_MS) {
    this.#idleMs = idleMs;
  }

  readonly start: StartProcess = (description, listener) => {
    // Elsewhere starting is cheap, and pipes cannot be handed over everywhere.
    if (process.platform !== "linux") return startHere(description, listener);
    let starter: StarterProcess;
    try {
      starter = this.#there();
    } catch (error) {
      description.release();
      throw error;
    }
    return starter.start(description, listener);
  };

  /** Runs a program behind its wall, and answers when nothing that it started is left. Linux only. Never rejects. */
  async run(run: ProgramRun, confinement: ProgramConfinement): Promise<ProgramOutcome> {
    clearTimeout(this.#idleTimer);
    this.#runsUnderWay += 1;
    try {
      const order = await orderOf(run, confinement);
      return run.signal.aborted ? { kind: "ended", by: "signal" } : await this.#there().run(run, order);
    } catch (error) {
      return { kind: "failed", why: sanitize(error instanceof Error ? error.message : String(error), 400) };
    } finally {
      this.#runsUnderWay -= 1;
      if (this.#runsUnderWay === 0) this.#idleTimer = setTimeout(() => this.#drop(), this.#idleMs).unref();
    }
  }

  /** Ends when the last process that it started has ended. */
  close(): void {
    this.#process?.close();
  }

  #drop(): void {
    this.close();
    this.#process = undefined;
  }

  #there(): StarterProcess {
    if (this.#process?.isThere !== true) this.#process = new StarterProcess();
    return this.#process;
  }
}

/** One such process, and what it was told to start. */
class StarterProcess {
  readonly #child: ChildProcess;
  readonly #ordered = new Map<number, Ordered>();
  #nextId = 1;
  #runsUnderWay = 0;
  #hasEnded = false;

  constructor() {
    // A session of its own: what is typed at a terminal is for the embedding program, which ends its plugins itself.
    // Its standard input says nothing; it ends with this program, also where the channel's end is not noticed.
    const child = fork(MAIN, [], {
      stdio: ["pipe", "ignore", "inherit", "ipc"],
      env: {},
      cwd: "/",
      execArgv: [],
      detached: true,
      // Bytes stay bytes.
      serialization: "advanced",
    });
    this.#child = child;
    child.unref();
    child.channel?.unref();
    (child.stdin as Socket | null)?.on("error", () => undefined).unref();
    child.on("message", (message, pipe) => this.#hear(message as FromStarter, pipe as Socket | undefined));
    child.on("error", (error) => this.#end(error.message));
    child.on("disconnect", () => this.#end("it has gone"));
  }

  get isThere(): boolean {
    return !this.#hasEnded && this.#child.connected;
  }

  start({ release, ...order }: SpawnDescription, listener: StartListener): StartedProcess {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#ordered.set(id, new OrderedHost(listener, release));
    this.#say({ kind: "start", id, order });
    return {
      kill: () => this.#say({ kind: "kill", id }),
      setKeepsAlive: () => undefined, // Its pipe does, and whoever waits for that.
    };
  }

  async run(run: ProgramRun, order: ProgramOrder): Promise<ProgramOutcome> {
    const id = this.#nextId;
    this.#nextId += 1;
    const program = new OrderedProgram(run, {
      giveInput: (bytes) => this.#tell({ kind: "input", id, bytes }),
      kill: () => this.#say({ kind: "kill", id }),
    });
    this.#ordered.set(id, program);
    this.#say({ kind: "run", id, order });
    // A program has no pipe to this one that would keep it alive until it has its answer.
    this.#runsUnderWay += 1;
    this.#child.channel?.ref();
    try {
      return await program.outcome;
    } finally {
      this.#runsUnderWay -= 1;
      if (this.#runsUnderWay === 0) this.#child.channel?.unref();
    }
  }

  close(): void {
    this.#say({ kind: "close" });
  }

  #say(message: ToStarter): void {
    void this.#tell(message);
  }

  /** Resolved when it is on its way, or nobody is there any more, which is reported by the starter's end. */
  #tell(message: ToStarter): Promise<void> {
    return new Promise((resolve) => {
      if (this.#child.connected) this.#child.send(message, () => resolve());
      else resolve();
    });
  }

  #end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const ordered = [...this.#ordered.values()];
    this.#ordered.clear();
    for (const each of ordered) void each.lose(why);
  }

  #hear(message: FromStarter, pipe: Socket | undefined): void {
    const ordered = this.#ordered.get(message.id);
    if (ordered === undefined) return void pipe?.destroy();
    if (ordered.hear(message, pipe)) this.#ordered.delete(message.id);
  }
}

class OrderedHost implements Ordered {
  readonly #listener: StartListener;
  /** What holds its place is let go when it is gone. */
  readonly #release: () => void;

  constructor(listener: StartListener, release: () => void) {
    this.#listener = listener;
    this.#release = release;
  }

  hear(message: FromStarter, pipe: Socket | undefined): boolean {
    switch (message.kind) {
      case "connected":
        // Without a handle it ended on the way here; its end follows.
        if (pipe !== undefined) this.#listener.connected(pipe, message.spawnedId);
        return false;
      case "known-as":
        this.#listener.knownAs(message.processId);
        return false;
      case "said":
        this.#listener.said(message.words);
        return false;
      case "ended":
        this.#release();
        this.#listener.ended(message.why);
        return true;
      default:
        return false; // Of a program.
    }
  }

  lose(why: string): void {
    this.#release();
    this.#listener.ended(`what starts sandbox hosts was lost: ${why}`, true);
  }
}

async function orderOf(run: ProgramRun, confinement: ProgramConfinement): Promise<ProgramOrder> {
  const { program, args, environment, timeMs, maxOutputBytes, input } = run;
  const { descriptor, path, isWritable } = run.folder;
  const { dev, ino } = await factsOf(descriptor, { bigint: true });
  const folder = { path, isWritable, device: dev, inode: ino };
  return { ...confinement, program, args, environment, folder, inputBytes: input.length, timeMs, maxOutputBytes };
}
