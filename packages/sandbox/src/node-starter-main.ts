// The starter: a small process that starts sandbox hosts for the embedding program and hands over their pipes, or runs
// programs for it and hands over what they wrote. Nothing foreign runs in it. See `node-starter.ts`.
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

import { RunningProgram } from "./node-program.ts";
import type { ProgramOutcome } from "./node-program.ts";
import { startHere } from "./node-start.ts";
import type { StartedProcess } from "./node-start.ts";
import { PIECE_BYTES } from "./starter-message.ts";
import type { FromStarter, ProgramOrder, StartOrder, ToStarter } from "./starter-message.ts";

const started = new Map<number, StartedProcess | RunningProgram>();
let isClosing = false;
let isLeaving = false;
/** How long processes may take to be gone when this one leaves, and how often that is looked at. */
const LEAVE_MS = 2_000;
const LOOK_MS = 5;

/** Resolved when it is on its way; rejected when the embedding process is gone. */
function tell(message: FromStarter, pipe?: Duplex): Promise<void> {
  return new Promise((resolve, reject) => {
    if (process.send === undefined) return reject(new Error("there is no channel"));
    process.send(message, pipe as Socket | undefined, undefined, (error) => (error ? reject(error) : resolve()));
  });
}

function say(message: FromStarter, pipe?: Duplex): void {
  // Nobody hears it when the embedding process is gone, and then this one goes too.
  tell(message, pipe).catch(() => undefined);
}

/**
 * The pipe is read by the embedding process alone. Node begins to read a child's pipe when it makes it, hands over one
 * that is being read, and has no documented way to stop: what came meanwhile would be lost.
 */
function stopReading(pipe: Duplex): void {
  (pipe as unknown as { _handle: { readStop(): void } })._handle.readStop();
}

function leaveWhenDone(): void {
  if (isClosing && started.size === 0 && process.connected) process.disconnect();
}

function start(id: number, order: StartOrder): void {
  try {
    const description = { ...order, release: () => undefined };
    const host = startHere(description, {
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

async function run(id: number, order: ProgramOrder): Promise<void> {
  const program = new RunningProgram(order, {
    launched: (launcher) => say({ kind: "launched", id, launcher }),
    waits: (waiting) => tell({ kind: "waits", id, program: waiting }),
  });
  started.set(id, program);
  try {
    await report(id, await program.outcome);
  } catch {
    // The embedding process is gone.
  }
  started.delete(id);
  leaveWhenDone();
}

async function report(id: number, outcome: ProgramOutcome): Promise<void> {
  if (outcome.kind !== "exited") return tell({ kind: "reported", id, report: outcome });
  const { kind, exitCode, stdout, stderr } = outcome;
  const lengths = { stdoutBytes: stdout.length, stderrBytes: stderr.length };
  await tell({ kind: "reported", id, report: { kind, exitCode, ...lengths } });
  for (const written of [stdout, stderr])
    // One after the other: what waits to be sent would be held twice.
    for (let at = 0; at < written.length; at += PIECE_BYTES)
      await tell({ kind: "output", id, bytes: written.subarray(at, at + PIECE_BYTES) });
}

function giveInput(id: number, bytes: Uint8Array): void {
  const program = started.get(id);
  if (program instanceof RunningProgram) program.giveInput(bytes);
}

process.on("message", (message: ToStarter) => {
  // Said by an embedding program that has gone since.
  if (isLeaving) return;
  switch (message.kind) {
    case "start":
      return start(message.id, message.order);
    case "run":
      return void run(message.id, message.order);
    case "input":
      return giveInput(message.id, message.bytes);
    case "kill":
      return started.get(message.id)?.kill();
    case "close":
      isClosing = true;
      return leaveWhenDone();
  }
});

/** Its processes go with the embedding program, however that ends. */
function leave(): void {
  if (isLeaving) return;
  isLeaving = true;
  for (const each of started.values()) each.kill();
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
