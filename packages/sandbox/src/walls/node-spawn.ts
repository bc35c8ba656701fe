import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import type { Duplex, Readable } from "node:stream";

import { PIPE_DESCRIPTOR } from "../protocol.ts";
import type { SpawnDescription } from "./wall.ts";

const MAX_INFO_BYTES = 4_096;

/** A sandbox host that was started, as its parent sees it. */
export interface SpawnedHost {
  /** Node, or its launcher, which takes Node along when it is killed. */
  readonly child: ChildProcess;
  readonly pipe: Duplex;
  readonly stderr: Readable;
  /** Node's own process id. Rejected when the launcher ends without telling it. */
  readonly processId: Promise<number>;
}

/**
 * Starts what a wall described: empty environment, no console, no terminal, no descriptors but ours.
 *
 * @throws Error when the system refuses at once, for example the user
 */
export function spawnDescribed(description: SpawnDescription): SpawnedHost {
  const { launcherPipes, release } = description;
  let child: ChildProcess;
  try {
    child = start(description);
  } catch (error) {
    release();
    throw error;
  }
  child.once("exit", release);
  child.once("error", () => {
    // Also told when a process could not be signalled, and then it has not gone.
    if (child.pid === undefined) release();
  });
  // Node types stdio as nullable plain streams; these are the pipes asked for above.
  const pipeAt = (descriptor: number): Duplex => child.stdio[descriptor] as Duplex;
  let processId = Promise.resolve(child.pid ?? 0);
  for (const [index, launcherPipe] of launcherPipes.entries()) {
    const stream = pipeAt(PIPE_DESCRIPTOR + 1 + index);
    if (launcherPipe.kind === "process-id") {
      processId = readProcessId(stream);
    } else {
      // A launcher that ends before it has read is reported by its exit.
      stream.on("error", () => undefined);
      stream.end(launcherPipe.bytes);
    }
  }
  processId.catch(() => undefined); // Whoever needs it awaits it; the exit tells the others.
  return { child, pipe: pipeAt(PIPE_DESCRIPTOR), stderr: child.stderr as Readable, processId };
}

function start({ command, args, userId, launcherPipes }: SpawnDescription): ChildProcess {
  return spawn(command, args, {
    stdio: ["ignore", "ignore", "pipe", "pipe", ...launcherPipes.map(() => "pipe" as const)],
    env: {},
    cwd: "/",
    windowsHide: true,
    // A session of its own: /dev/tty would be the terminal of whoever started the embedding program, to read from, to
    // write to and to type into. On Windows `detached` means a window.
    detached: process.platform !== "win32",
    // Node drops every further group when it is given a user.
    ...(userId !== undefined && { uid: userId, gid: userId }),
  });
}

/** Bubblewrap's `--info-fd`: one JSON object. The pipe is closed with it, so that nobody says more. */
function readProcessId(stream: Duplex): Promise<number> {
  return new Promise((resolve, reject) => {
    let text = "";
    const give = (): void => {
      const [, digits] = /"child-pid":\s*(\d+)/.exec(text) ?? [];
      if (digits === undefined) reject(new Error("the launcher told no process id"));
      else resolve(Number(digits));
      stream.destroy();
    };
    stream.on("data", (bytes: Buffer) => {
      text += bytes.toString("latin1");
      if (text.includes("}") || text.length > MAX_INFO_BYTES) give();
    });
    stream.on("error", give);
    stream.on("end", give);
  });
}
