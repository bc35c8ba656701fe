import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Socket } from "node:net";
import { fileURLToPath } from "node:url";

import { startHere } from "./node-start.ts";
import type { StartListener, StartProcess, StartedProcess } from "./node-start.ts";
import { orderOf } from "./starter-message.ts";
import type { FromStarter, ToStarter } from "./starter-message.ts";
import type { SpawnDescription } from "./walls/wall.ts";

const MAIN = fileURLToPath(new URL("../dist-runtime/starter.cjs", import.meta.url));

/** One process that is wanted, and what holds its place until it is gone. */
interface Ordered {
  readonly listener: StartListener;
  readonly release: () => void;
}

/**
 * Starts sandbox hosts from a small process of its own. On Linux a process that starts another one stands still while
 * the kernel copies its page tables: the longer, the more memory it has, and the embedding program's event loop with
 * it. The first start makes that process; where it is lost, so are all that it started, and the next start makes
 * another one.
 */
export class Starter {
  #process: StarterProcess | undefined;

  readonly start: StartProcess = (description, listener) => {
    // Elsewhere starting is cheap, and pipes cannot be handed over everywhere.
    if (process.platform !== "linux") return startHere(description, listener);
    try {
      if (this.#process?.isThere !== true) this.#process = new StarterProcess();
    } catch (error) {
      description.release();
      throw error;
    }
    return this.#process.order(description, listener);
  };

  /** Ends when the last process that it started has ended. */
  close(): void {
    this.#process?.close();
  }
}

/** One such process, and what it was told to start. */
class StarterProcess {
  readonly #child: ChildProcess;
  readonly #ordered = new Map<number, Ordered>();
  #nextId = 1;
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

  order(description: SpawnDescription, listener: StartListener): StartedProcess {
    const id = this.#nextId;
    this.#nextId += 1;
    this.#ordered.set(id, { listener, release: description.release });
    tell(this.#child, { kind: "start", id, order: orderOf(description) });
    return {
      kill: () => tell(this.#child, { kind: "kill", id }),
      setKeepsAlive: () => undefined, // Its pipe does, and whoever waits for that.
    };
  }

  close(): void {
    tell(this.#child, { kind: "close" });
  }

  #end(why: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const ordered = [...this.#ordered.values()];
    this.#ordered.clear();
    for (const { listener, release } of ordered) {
      release();
      listener.ended(`what starts sandbox hosts was lost: ${why}`, true);
    }
  }

  #hear(message: FromStarter, pipe: Socket | undefined): void {
    const { id } = message;
    const ordered = this.#ordered.get(id);
    if (ordered === undefined) return void pipe?.destroy();
    const { listener, release } = ordered;
    switch (message.kind) {
      case "connected":
        // Without a handle it ended on the way here; its end follows.
        return pipe && listener.connected(pipe, message.spawnedId);
      case "known-as":
        return listener.knownAs(message.processId);
      case "said":
        return listener.said(message.words);
      default:
        this.#ordered.delete(id);
        release();
        return listener.ended(message.why);
    }
  }
}

function tell(starter: ChildProcess, message: ToStarter): void {
  // A starter that is gone is reported by its end.
  if (starter.connected) starter.send(message, () => undefined);
}
