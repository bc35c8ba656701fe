import type * as ChildProcess from "node:child_process";
import type * as Dgram from "node:dgram";
import type * as Fs from "node:fs";
import type * as Net from "node:net";
import type * as Os from "node:os";
import type * as Threads from "node:worker_threads";

import type { WallStrength } from "../../src/walls/wall.ts";

/** Things of the embedding program and its user that an attacker would like. */
export interface Target {
  /** A file that only the user may read. */
  readonly secretFile: string;
  /** A folder that only the user may list. */
  readonly privateFolder: string;
  /** The embedding program's process id. */
  readonly parent: number;
  /** Another process of the user, with a secret in its environment. */
  readonly neighbour: number;
  readonly tcpPort: number;
  readonly udpPort: number;
  readonly unixPath: string;
  readonly abstractName: string;
}

/** What the taken-over process has in its hands. */
export interface Tools {
  require(name: "node:fs"): typeof Fs;
  require(name: "node:net"): typeof Net;
  require(name: "node:dgram"): typeof Dgram;
  require(name: "node:os"): typeof Os;
  require(name: "node:child_process"): typeof ChildProcess;
  require(name: "node:worker_threads"): typeof Threads;
  /** A raw system call by its numbers on x86-64 and arm64. Text and bytes stand for their address. Throws by the error's name. */
  syscall(
    numbers: readonly [x64: number, arm64: number],
    ...args: readonly (number | string | BigUint64Array)[]
  ): number;
  readonly target: Target;
}

/** One thing that an attacker tries. `run` is sent as text: it uses its argument and nothing else. */
export interface OsAttack {
  readonly name: string;
  /** What comes of it behind each wall. Left out: machines differ, and nothing is claimed. */
  readonly behind: Readonly<Partial<Record<WallStrength, "refused" | "works">>>;
  /** Errors by which the system shows that it was willing: it only disliked the empty arguments. */
  readonly willing?: readonly string[];
  readonly run: string;
}

/** Held back by namespaces and filters alone. */
export const FULL_ONLY = { process: "works", "own-uid": "works", full: "refused" } as const;
/** Held back by a user of its own as well. */
export const OWN_UID_TOO = { process: "works", "own-uid": "refused", full: "refused" } as const;
/** Held back by every wall of Linux: by its filter at the least. */
export const EVERY_WALL = { process: "refused", "own-uid": "refused", full: "refused" } as const;
/** No ordinary user may do it, with walls or without. */
export const ALWAYS = { process: "refused", "own-uid": "refused", full: "refused" } as const;
/** Ordinary users may do it on some machines. */
export const BY_FULL = { full: "refused" } as const;

export function attack(name: string, behind: OsAttack["behind"], run: (tools: Tools) => unknown): OsAttack {
  return { name, behind, run: run.toString() };
}

/** A system call whose arguments do no harm, whatever comes of it. */
export function call(
  name: string,
  behind: OsAttack["behind"],
  numbers: readonly [x64: number, arm64: number],
  args = "",
  willing: readonly string[] = [],
): OsAttack {
  return { name, behind, willing, run: `({ syscall, target }) => syscall([${numbers.join()}], ${args})` };
}
