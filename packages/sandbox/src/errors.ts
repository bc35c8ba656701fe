import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

import type { Missing } from "./walls/wall.ts";

export const sandboxErrors = {
  SANDBOX_START_FAILED: {
    kind: "environment",
    meaning: "A sandbox-host process did not start.",
    cause: "The prebuilt sandbox-host file is missing, Node is too old, or the machine is out of processes or memory.",
    remedy: "Run `berth doctor`; in a source checkout run `npm run setup`.",
  },
  SANDBOX_WALL_MISSING: {
    kind: "environment",
    meaning: "This machine lacks a wall that a plugin's security level requires.",
    cause:
      "Level isolated needs namespaces and system-call filters (bubblewrap on Linux); a host that runs as root needs users and a folder for its sandbox hosts.",
    remedy: "Do what the hint says, or look at `berth doctor`; see docs/guide/walls.md.",
  },
  SANDBOX_ENGINE_MISSING: {
    kind: "environment",
    meaning: "The engine that a plugin needs cannot run on this machine.",
    cause: "A part of it is missing here, such as a binary for this platform; the message names engine and part.",
    remedy: "Do what the hint says. `berth doctor` lists engines; plugins for the others go on.",
  },
  SANDBOX_LOAD_FAILED: {
    kind: "input",
    meaning: "A plugin's code failed while it was loaded.",
    cause: "A syntax error, an exception at the top level, or a bundle without a plugin in it.",
    remedy:
      "The message quotes the plugin's own error; the author can reproduce it with `berth run` on the plugin's folder.",
  },
  SANDBOX_PLUGIN_THREW: {
    kind: "input",
    meaning: "An action threw an error.",
    cause: "The plugin's own code; the message, name and stack are its own words.",
    remedy: "Check the input; if it is right, report the stack to the plugin's author.",
  },
  SANDBOX_DEADLINE: {
    kind: "limit",
    meaning: "A call took longer than its wall time allows.",
    cause:
      "The action waits too long, never answers, or loops in a place that cannot be interrupted; at strict also: all processes of the plugin were busy with other calls.",
    remedy:
      "Give the plugin less work per call, or raise `limits.wallMs` in its manifest; at strict make fewer calls at a time.",
  },
  SANDBOX_CPU: {
    kind: "limit",
    meaning: "A call used more CPU time than it may.",
    cause: "An endless or very long loop.",
    remedy: "Give the plugin less work per call, or raise `limits.cpuMs` in its manifest.",
  },
  SANDBOX_MEMORY: {
    kind: "limit",
    meaning: "A plugin used more memory than it may.",
    cause: "Data too large for the plugin's `limits.memoryMiB`, or an allocation that never ends.",
    remedy: "Give the plugin less data per call, or raise `limits.memoryMiB` in its manifest.",
  },
  SANDBOX_CRASHED: {
    kind: "limit",
    meaning: "The process that held a plugin ended while a call was under way.",
    cause: "The plugin crashed its engine. Nothing of the embedding process is affected.",
    remedy: "Call again: a new process is started. A plugin that crashes repeatedly waits longer each time.",
  },
  SANDBOX_NEIGHBOUR: {
    kind: "limit",
    meaning: "A call was lost with its process or instance, and another call is to blame.",
    cause:
      "A plugin that shares the process, or another call of the same plugin, overstayed or used more CPU time than it may, and the process had to be ended.",
    remedy:
      "Call again; an action without effects is called again by itself, once. A policy may raise either plugin to level isolated.",
  },
  SANDBOX_PROTOCOL: {
    kind: "denied",
    meaning: "A sandbox host broke the protocol and was ended.",
    cause:
      "Its process was taken over by hostile code, or embedding process and sandbox host are of different versions.",
    remedy: "Treat the plugin as hostile and report it; rebuild with `npm run setup` if you changed versions.",
  },
  SANDBOX_BUSY: {
    kind: "limit",
    meaning: "A plugin has more calls or more input waiting than it can take.",
    cause:
      "Calls come faster than the plugin works them off. 1,024 calls of a plugin and partition may be under way or waiting, and 128 MiB of input for a process.",
    remedy: "Call again later, or make fewer calls at a time.",
  },
  SANDBOX_CANCELLED: {
    kind: "usage",
    meaning: "The caller cancelled a call.",
    cause: "The caller's AbortSignal fired.",
    remedy: "None needed.",
  },
  SANDBOX_CLOSED: {
    kind: "usage",
    meaning: "A call was made after the host or the plugin was closed, or was under way when that happened.",
    cause: "`close()` or `uninstall()` ran.",
    remedy: "Open the host again, or wait for calls to end before closing it.",
  },
} as const satisfies Record<string, ErrorRow>;

export type SandboxErrorCode = keyof typeof sandboxErrors;

/** Failures of running foreign code: what it did, and what was done about it. */
export class SandboxError extends CodedError<SandboxErrorCode> {
  constructor(code: SandboxErrorCode, message: string, extras?: ErrorExtras) {
    super(sandboxErrors, code, message, extras);
  }
}

/** What whoever needs an engine hears that cannot run here. `who` needs it, and for what. */
export function engineMissing(name: string, { what, why, remedy }: Missing, who = "it is needed"): SandboxError {
  return new SandboxError("SANDBOX_ENGINE_MISSING", `${who}, and the engine ${name} lacks ${what}: ${why}`, {
    hint: remedy,
  });
}
