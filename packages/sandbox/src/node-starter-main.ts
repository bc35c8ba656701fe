// The starter: a small process that starts sandbox hosts for the embedding program and hands over their pipes. It runs
// nothing foreign. See `node-starter.ts`.
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { startHere } from "./node-start.ts";
import type { StartedProcess } from "./node-start.ts";
import { descriptionOf } from "./starter-message.ts";
import type { FromStarter, StartOrder, ToStarter } from "./starter-message.ts";

const started = new Map<number, StartedProcess>();
let isClosing = false;
let isLeaving = false;
/** How long processes may take to be gone when this one leaves, and how often that is looked at. */
const LEAVE_MS = 2_000;
const LOOK_MS = 5;

function say(message: FromStarter, pipe?: Duplex): void {
  // Nobody hears it when the embedding process is gone, and then this one goes too.
  process.send?.(message, pipe as Socket | undefined, undefined, () => undefined);
}

/**
 * The pipe is read by the embedding process alone. Node begins to read a child's pipe when it makes it, hands over one
 * that is being read, and has no documented way to stop: what came meanwhile would be lost.
 */
function stopReading(pipe: Duplex): void {
  (pipe as unknown as { _handle: { readStop(): void } })._handle.readStop();
}

function leaveWhenDone(): void {
  if (isClosing && started.size === 0) process.disconnect();
}

function start(id: number, order: StartOrder): void {
  try {
    const host = startHere(descriptionOf(order), {
      connected(pipe, spawnedId) {
        stopReading(pipe);
        say({ kind: "connected", id, spawnedId }, pipe);
      },
      knownAs: (processId) => say({ kind: "known-as", id, processId }),
      said: (words) => say({ kind: "said", id, words }),
      ended(why) {
        started.delete(id);
        say({ kind: "ended", id, why });
        leaveWhenDone();
      },
    });
    started.set(id, host);
  } catch (error) {
    say({ kind: "ended", id, why: error instanceof Error ? error.message : String(error) });
  }
}

process.on("message", (message: ToStarter) => {
  if (message.kind === "start") return start(message.id, message.order);
  if (message.kind === "kill") return started.get(message.id)?.kill();
  isClosing = true;
  return leaveWhenDone();
});
/** Its processes go with the embedding program, however that ends. */
function leave(): void {
  if (isLeaving) return;
  isLeaving = true;
  for (const host of started.values()) host.kill();
  const leaveWhenAlone = (): void => {
    if (started.size === 0) process.exit();
  };
  leaveWhenAlone();
  setInterval(leaveWhenAlone, LOOK_MS);
  setTimeout(() => process.exit(), LEAVE_MS);
}

process.on("disconnect", leave);
// Node does not notice that the channel has ended while a pipe is on its way. Nothing is ever said here.
process.stdin.on("error", leave).on("close", leave).resume();
process.on("uncaughtException", (error) => {
  // When the embedding process has no descriptor left for a pipe, Node acknowledges it twice and stumbles over the
  // second: that start fails, the others do not.
  if ((error as NodeJS.ErrnoException).code === "ERR_INTERNAL_ASSERTION") return;
  process.stderr.write(`${error.stack}\n`);
  leave();
});
