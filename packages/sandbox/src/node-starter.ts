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
  #process: ChildProcess | undefined;
  readonly #ordered = new Map<number, Ordered>();
  #nextId = 1;

  readonly start: StartProcess = (description, listener) => {
    // Elsewhere starting is cheap, and pipes cannot be handed over everywhere.
    if (process.platform !== "linux") return startHere(description, listener);
    return this.#order(description, listener);
  };

  #order(description: SpawnDescription, listener: StartListener): StartedProcess {
    const starter = this.#take();
    const id = this.#nextId;
    this.#nextId += 1;
    this.#ordered.set(id, { listener, release: description.release });
    tell(starter, { kind: "start", id, order: orderOf(description) });
    return {
      kill: () => tell(starter, { kind: "kill", id }),
      setKeepsAlive: () => undefined, // Its pipe does, and whoever waits for that.
    };
  }

  #take(): ChildProcess {
    if (this.#process?.connected === true) return this.#process;
    // A session of its own: what is typed at a terminal is for the embedding program, which ends its plugins itself.
    const starter = fork(MAIN, [], {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      env: {},
      cwd: "/",
      execArgv: [],
      detached: true,
    });
    starter.unref();
    starter.channel?.unref();
    starter.on("message", (message, pipe) => this.#hear(message as FromStarter, pipe as Socket | undefined));
    const end = (): void => {
      if (this.#process !== starter) return;
      this.#process = undefined;
      const ordered = [...this.#ordered];
      this.#ordered.clear();
      for (const [, { listener, release }] of ordered) {
        release();
        listener.ended("the process that starts sandbox hosts has ended");
      }
    };
    starter.on("error", end);
    starter.on("disconnect", end);
    return (this.#process = starter);
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

  /** Ends when the last process that it started has ended. */
  close(): void {
    if (this.#process?.connected === true) tell(this.#process, { kind: "close" });
  }
}

function tell(starter: ChildProcess, message: ToStarter): void {
  // A starter that is gone is reported by its end.
  if (starter.connected) starter.send(message, () => undefined);
}
