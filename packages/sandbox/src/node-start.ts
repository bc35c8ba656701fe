import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { isChildOf } from "./walls/node-process-life.ts";
import { spawnDescribed } from "./walls/node-spawn.ts";
import type { SpawnDescription } from "./walls/wall.ts";

/** What is kept of what a process says on standard error, before nobody listens any more. */
const MAX_STDERR_BYTES = 262_144;
/** How long a launcher has to tell which process it started, when that is to be ended. */
const TELL_MS = 1_000;

/** Hears of one process that was started. */
export interface StartListener {
  /** Its private pipe. `spawnedId` is the process that was spawned: Node, or its launcher. */
  connected(pipe: Duplex, spawnedId: number): void;
  /** Node's own process id. */
  knownAs(processId: number): void;
  /** On standard error; in all at most 256 KiB. */
  said(words: string): void;
  /**
   * It is gone, or was never there. Told once, and nothing afterwards. `isOurs`: what started it was lost, and nothing
   * in it is to blame.
   */
  ended(why: string, isOurs?: boolean): void;
}

/** A process on its way, or there. */
export interface StartedProcess {
  /** SIGKILL, to a launcher's child as well. */
  kill(): void;
  /** Whether it keeps the embedding program alive, as its pipe does by itself. */
  setKeepsAlive(keepsAlive: boolean): void;
}

/**
 * Starts the process that a wall described.
 *
 * @throws Error when the system refuses at once
 */
export type StartProcess = (description: SpawnDescription, listener: StartListener) => StartedProcess;

/** Starts it as a child of this very process. */
export const startHere: StartProcess = (description, listener) => {
  const { child, pipe, stderr, processId } = spawnDescribed(description);
  let hasEnded = false;
  let saidBytes = 0;
  let knownId = 0;
  const end = (why: string): void => {
    if (hasEnded) return;
    hasEnded = true;
    listener.ended(why);
  };
  child.on("error", (error) => {
    // Also told when a process could not be signalled, and then it has not gone.
    if (child.pid === undefined) end(error.message);
  });
  child.on("exit", (code, signal) => end(signal === null ? `exit code ${code}` : `signal ${signal}`));
  stderr.on("data", (bytes: Buffer) => {
    saidBytes += bytes.length;
    if (saidBytes > MAX_STDERR_BYTES) stderr.destroy();
    else if (!hasEnded) listener.said(bytes.toString("latin1"));
  });
  processId.then(
    (pid) => {
      knownId = pid;
      if (!hasEnded) listener.knownAs(pid);
    },
    () => undefined, // Its end says more.
  );
  const kill = (): void => {
    if (hasEnded) return;
    if (isChildOf(knownId, child.pid)) {
      try {
        process.kill(knownId, "SIGKILL");
      } catch {
        // It has ended already, or it belongs to a user whom only its launcher may signal.
      }
    }
    child.kill("SIGKILL");
  };
  if (child.pid !== undefined) listener.connected(pipe, child.pid);
  return {
    kill() {
      if (knownId !== 0) return kill();
      // A launcher that is killed before its child follows it leaves that one behind, waiting for ever: first comes
      // the child's number, which it tells within milliseconds, or its end.
      const timer = setTimeout(kill, TELL_MS);
      processId.then(kill, kill).finally(() => clearTimeout(timer));
    },
    setKeepsAlive(keepsAlive) {
      const method = keepsAlive ? "ref" : "unref";
      child[method]();
      // Node types stdio as plain streams; pipes of a child are sockets, which can be unreferenced.
      (stderr as Socket)[method]();
    },
  };
};
