import { constants, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";
import { setPriority } from "node:os";
import type { Readable } from "node:stream";

import { sanitize } from "@berth/base";

import { ProgramLauncher } from "./node-program-launcher.ts";
import type { HeldFolder, ProgramOrder } from "./starter-message.ts";
import type { GroupPlace } from "./walls/cgroup-mounts.ts";
import { untilGone } from "./walls/node-process-life.ts";
import type { ProcessIdentity } from "./walls/node-process-life.ts";
import { ResourceGroup } from "./walls/node-resource-group.ts";
import { treeBytes } from "./walls/node-tree-memory.ts";
import type { Shown } from "./walls/program-wall-arguments.ts";

/** One run of a program of this machine that is not trusted, or not with what it is given. */
export interface ProgramRun {
  /** Absolute path, in one of the wall's folders. It is run as it is: no shell, no search path. */
  readonly program: string;
  readonly args: readonly string[];
  /** All of its environment, but for `PWD`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it runs: an open folder and its path, which is the same inside. Stays open until the run has ended. */
  readonly folder: { readonly descriptor: number; readonly path: string; readonly isWritable: boolean };
  /** What it reads from its standard input. */
  readonly input: Uint8Array;
  readonly timeMs: number;
  /** Of standard output and standard error together. */
  readonly maxOutputBytes: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Why a program was ended by us. */
export type ProgramEnd = "time" | "output" | "memory" | "signal";

/** What came of a run. */
export type ProgramOutcome =
  | {
      readonly kind: "exited";
      /** 128 + n when signal n ended it, as shells tell it. */
      readonly exitCode: number;
      readonly stdout: Uint8Array;
      readonly stderr: Uint8Array;
    }
  | { readonly kind: "ended"; readonly by: ProgramEnd }
  /** It did not come to run. */
  | { readonly kind: "failed"; readonly why: string };

/** The wall around one run. */
export interface ProgramConfinement {
  readonly bubblewrap: string;
  readonly shown: readonly Shown[];
  readonly filter: Uint8Array;
  /** What sets limits and then becomes the program. */
  readonly limiter: readonly string[];
  readonly memoryBytes: number;
  readonly groupPlace: GroupPlace | undefined;
  readonly userId: number | undefined;
}

const MEMORY_LOOK_MS = 50;
/** Where there are no control groups, what the looks may take of the time: programs with many processes take longer. */
const MEMORY_LOOK_SHARE = 0.05;
/** Behind the embedding program: a machine that is busy with programs of plugins still answers. */
const LOW_PRIORITY = 10;
const FIRST_TO_END = "1000";

/** Hears how a program comes to run. */
export interface ProgramListener {
  /** From here on there is something to end. */
  launched(launcher: ProcessIdentity): void;
  /** It begins when this is resolved. Rejected when nobody is there any more for whom it would run. */
  waits(program: ProcessIdentity): Promise<void>;
}

/**
 * A program behind its wall, in the process that started it: the starter. Its folder is opened anew, and must be the one
 * that the embedding program holds open.
 */
export class RunningProgram {
  /** What came of it, when nothing that it started is left. Never rejected. */
  readonly outcome: Promise<ProgramOutcome>;
  readonly #order: ProgramOrder;
  readonly #listener: ProgramListener;
  #launcher: ProgramLauncher | undefined;
  #outputBytes = 0;
  #group: ResourceGroup | undefined;
  #memoryLook: NodeJS.Timeout | undefined;
  #endedBy: ProgramEnd | undefined;

  constructor(order: ProgramOrder, listener: ProgramListener) {
    this.#order = order;
    this.#listener = listener;
    this.outcome = this.#run().catch((error: unknown) =>
      failed(error instanceof Error ? error.message : String(error)),
    );
  }

  /** A piece of its input. */
  giveInput(bytes: Uint8Array): void {
    this.#launcher?.giveInput(bytes);
  }

  /** Ends it, whatever stage it has come to. */
  kill(): void {
    this.#end("signal");
  }

  async #run(): Promise<ProgramOutcome> {
    await using folder = await openHeld(this.#order.folder);
    // Before there was something to kill.
    if (this.#endedBy !== undefined) return { kind: "ended", by: this.#endedBy };
    const launcher = (this.#launcher = await ProgramLauncher.start(this.#order, folder.fd));
    this.#listener.launched(launcher.identity);
    const take = (bytes: Uint8Array): boolean => {
      this.#outputBytes += bytes.length;
      if (this.#outputBytes > this.#order.maxOutputBytes) this.#end("output");
      return this.#endedBy === undefined;
    };
    const stdout = new Output(launcher.stdout, take);
    const stderr = new Output(launcher.stderr, take);
    const timer = setTimeout(() => this.#end("time"), this.#order.timeMs);
    try {
      const program = await launcher.program;
      if (program !== undefined) await this.#letGo(launcher, program);
      await launcher.closed;
      if (program !== undefined) await untilGone(program);
      if (this.#endedBy !== undefined) return { kind: "ended", by: this.#endedBy };
      if (this.#group?.hasRunOut() === true) return { kind: "ended", by: "memory" };
      const { exitCode } = launcher;
      if (exitCode !== undefined) return { kind: "exited", exitCode, stdout: stdout.bytes, stderr: stderr.bytes };
      // The launcher tells a code only of a program that it came to run.
      const words = new TextDecoder().decode(stderr.bytes).trim().split("\n").at(-1) ?? "";
      return failed(words === "" ? "the launcher ended" : words);
    } finally {
      clearTimeout(timer);
      clearTimeout(this.#memoryLook);
      await this.#group?.remove();
    }
  }

  /** Puts limits around the process that waits, and lets it begin. */
  async #letGo(launcher: ProgramLauncher, program: ProcessIdentity): Promise<void> {
    const { groupPlace, memoryBytes } = this.#order;
    const { processId } = program;
    try {
      setPriority(processId, LOW_PRIORITY);
      // A machine that runs out of memory ends this before anything of the embedding program's.
      writeFileSync(`/proc/${processId}/oom_score_adj`, FIRST_TO_END, { flag: "r+" });
    } catch {
      // It has ended, or the system does not let us.
    }
    const group = groupPlace === undefined ? undefined : await tryGroup(groupPlace, memoryBytes, processId);
    this.#group = group;
    try {
      await this.#listener.waits(program);
    } catch {
      this.#end("signal");
    }
    if (this.#endedBy !== undefined) return;
    // The kernel ends one process of a group that has run out, and the others would go on without it.
    this.#watch(() => (group === undefined ? treeBytes(processId) > memoryBytes : group.hasRunOut()));
    launcher.letGo();
  }

  #watch(hasRunOut: () => boolean, pauseMs = MEMORY_LOOK_MS): void {
    this.#memoryLook = setTimeout(() => {
      const began = performance.now();
      if (hasRunOut()) return this.#end("memory");
      const tookMs = performance.now() - began;
      return this.#watch(hasRunOut, Math.max(MEMORY_LOOK_MS, tookMs / MEMORY_LOOK_SHARE));
    }, pauseMs);
  }

  #end(by: ProgramEnd): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = by;
    this.#launcher?.kill();
  }
}

const failed = (why: string): ProgramOutcome => ({ kind: "failed", why: sanitize(why, 400) });

/** @throws Error when the path does not lead to that very folder */
async function openHeld({ path, device, inode }: HeldFolder): Promise<FileHandle> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const { dev, ino } = await folder.stat({ bigint: true });
    if (dev === device && ino === inode) return folder;
    throw new Error(`the folder ${path} has been exchanged`);
  } catch (error) {
    await folder.close();
    throw error;
  }
}

/** A control group with a process in it; `undefined` where the right to make one was taken back: then we look ourselves. */
async function tryGroup(place: GroupPlace, memoryBytes: number, pid: number): Promise<ResourceGroup | undefined> {
  let group: ResourceGroup | undefined;
  try {
    group = await ResourceGroup.make(place);
    group.allowMemory(memoryBytes);
    await group.add(pid);
    return group;
  } catch {
    void group?.remove();
    return undefined;
  }
}

/** What a program writes, in one piece: a million pieces of a byte each would take hundreds of times their size. */
class Output {
  #held = new Uint8Array(4_096);
  #length = 0;

  /** `take` says whether bytes are still wanted. */
  constructor(stream: Readable, take: (bytes: Uint8Array) => boolean) {
    stream.on("data", (bytes: Uint8Array) => {
      if (!take(bytes)) return;
      if (this.#length + bytes.length > this.#held.length) {
        const larger = new Uint8Array(Math.max(this.#held.length * 2, this.#length + bytes.length));
        larger.set(this.#held.subarray(0, this.#length));
        this.#held = larger;
      }
      this.#held.set(bytes, this.#length);
      this.#length += bytes.length;
    });
    stream.on("error", () => undefined); // What was read before is what there is.
  }

  get bytes(): Uint8Array {
    return this.#held.subarray(0, this.#length);
  }
}
