import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import { closeSync, openSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import type { Duplex, Readable } from "node:stream";

import { sanitize } from "@berth/base";

import type { GroupPlace } from "./walls/cgroup-mounts.ts";
import { inheritedDescriptors } from "./walls/node-inherited-descriptors.ts";
import { isChildOf, startTimeOf, untilGone } from "./walls/node-process-life.ts";
import { ResourceGroup } from "./walls/node-resource-group.ts";
import { treeBytes } from "./walls/node-tree-memory.ts";
import { Descriptor, formatProgramArguments } from "./walls/program-wall-arguments.ts";
import type { Shown } from "./walls/program-wall-arguments.ts";

/** One run of a program of this machine that is not trusted, or not with what it is given. */
export interface ProgramRun {
  /** Absolute path, in one of the wall's folders. It is run as it is: no shell, no search path. */
  readonly program: string;
  readonly args: readonly string[];
  /** All of its environment, but for `PWD`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Where it runs: an open folder and its path, which is the same inside. Stays the caller's to close. */
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

/** Inherited descriptors beyond this one cannot be covered. */
const MAX_COVERED = 1_023;
const MEMORY_LOOK_MS = 50;
/** How long a launcher has to tell which process it started, when that is to be ended. Only then may the process go on. */
const TELL_MS = 10_000;
const MAX_STATUS_BYTES = 4_096;
/** Behind the embedding program: a machine that is busy with programs of plugins still answers. */
const LOW_PRIORITY = 10;
const FIRST_TO_END = "1000";

/** Runs a program behind its wall, and answers when nothing that it started is left. Never rejects. */
export async function runProgram(run: ProgramRun, confinement: ProgramConfinement): Promise<ProgramOutcome> {
  if (run.signal.aborted) return { kind: "ended", by: "signal" };
  try {
    return await new RunningProgram(run, confinement).outcome();
  } catch (error) {
    return { kind: "failed", why: sanitize(error instanceof Error ? error.message : String(error), 400) };
  }
}

class RunningProgram {
  readonly #run: ProgramRun;
  readonly #confinement: ProgramConfinement;
  readonly #child: ChildProcess;
  readonly #stdout: Output;
  readonly #stderr: Output;
  readonly #status: LauncherStatus;
  #outputBytes = 0;
  #group: ResourceGroup | undefined;
  #memoryLook: NodeJS.Timeout | undefined;
  /** Of the process that waits, or runs: with its id, what no other one has. */
  #startTime: string | undefined;
  #endedBy: ProgramEnd | undefined;
  #startFailure: Error | undefined;

  /** @throws Error when the system refuses at once */
  constructor(run: ProgramRun, confinement: ProgramConfinement) {
    this.#run = run;
    this.#confinement = confinement;
    this.#child = start(run, confinement);
    const take = (bytes: Uint8Array): boolean => {
      this.#outputBytes += bytes.length;
      if (this.#outputBytes > run.maxOutputBytes) this.#end("output");
      return this.#endedBy === undefined;
    };
    this.#stdout = new Output(this.#child.stdout as Readable, take);
    this.#stderr = new Output(this.#child.stderr as Readable, take);
    this.#status = new LauncherStatus(this.#pipeAt(Descriptor.status));
    this.#send(Descriptor.arguments, formatProgramArguments({ ...run, shown: confinement.shown }));
    this.#send(Descriptor.filter, confinement.filter);
    // Whoever waits at the other end of a pipe that is gone is told by the exit.
    this.#pipeAt(Descriptor.start).on("error", () => undefined);
    if (run.input.length > 0) {
      // A program need not read what it is given.
      this.#child.stdin?.on("error", () => undefined);
      this.#child.stdin?.end(run.input);
    }
  }

  async outcome(): Promise<ProgramOutcome> {
    const { timeMs, signal } = this.#run;
    const closed = new Promise<void>((resolve) => {
      this.#child.once("close", () => resolve());
      // Each time: one that nobody hears would end the embedding program.
      this.#child.on("error", (error) => {
        this.#startFailure ??= error;
        this.#status.giveUp();
        // Also told when a process could not be signalled, and then it has not gone.
        if (this.#child.pid === undefined) resolve();
      });
    });
    this.#child.once("exit", () => void this.#endWaiting());
    const timer = setTimeout(() => this.#end("time"), timeMs);
    const onAbort = (): void => this.#end("signal");
    signal.addEventListener("abort", onAbort);
    try {
      const pid = await this.#status.processId;
      const startTime = (this.#startTime = pid === undefined ? undefined : startTimeOf(pid));
      if (pid !== undefined && this.#endedBy === undefined) this.#release(pid);
      await closed;
      if (pid !== undefined && startTime !== undefined) await untilGone(pid, startTime);
      return this.#settle();
    } finally {
      clearTimeout(timer);
      clearInterval(this.#memoryLook);
      signal.removeEventListener("abort", onAbort);
      await this.#group?.remove();
    }
  }

  /** The launcher is gone. Its child may wait still, and an end of the pipe that it waits at would be its start. */
  async #endWaiting(): Promise<void> {
    const pid = await this.#status.processId;
    if (pid !== undefined && startTimeOf(pid) === this.#startTime) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It has ended already, or it belongs to a user whom only its launcher may signal.
      }
    }
    this.#pipeAt(Descriptor.start).destroy();
  }

  #settle(): ProgramOutcome {
    if (this.#endedBy !== undefined) return { kind: "ended", by: this.#endedBy };
    if (this.#group?.hasRunOut() === true) return { kind: "ended", by: "memory" };
    const { exitCode } = this.#status;
    const [stdout, stderr] = [this.#stdout.bytes(), this.#stderr.bytes()];
    if (exitCode !== undefined) return { kind: "exited", exitCode, stdout, stderr };
    // The launcher tells a code only of a program that it came to run.
    const words = this.#startFailure?.message ?? new TextDecoder().decode(stderr).trim().split("\n").at(-1) ?? "";
    return { kind: "failed", why: sanitize(words === "" ? "the launcher ended" : words, 400) };
  }

  /** Puts limits around the process that waits, and lets it begin. */
  #release(pid: number): void {
    const { groupPlace, memoryBytes } = this.#confinement;
    try {
      setPriority(pid, LOW_PRIORITY);
      // A machine that runs out of memory ends this before anything of the embedding program's.
      writeFileSync(`/proc/${pid}/oom_score_adj`, FIRST_TO_END, { flag: "r+" });
    } catch {
      // It has ended, or the system does not let us.
    }
    const group = groupPlace === undefined ? undefined : tryGroup(groupPlace, memoryBytes, pid);
    this.#group = group;
    // The kernel ends one process of a group that has run out, and the others would go on without it.
    const hasRunOut = (): boolean => (group === undefined ? treeBytes(pid) > memoryBytes : group.hasRunOut());
    this.#memoryLook = setInterval(() => {
      if (hasRunOut()) this.#end("memory");
    }, MEMORY_LOOK_MS);
    this.#send(Descriptor.start, "\n", false);
  }

  #end(by: ProgramEnd): void {
    if (this.#endedBy !== undefined) return;
    this.#endedBy = by;
    // A launcher that is killed before its child follows it leaves that one behind: first comes the child's number.
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), TELL_MS);
    void this.#status.processId.then((pid) => {
      clearTimeout(timer);
      if (pid !== undefined && isChildOf(pid, this.#child.pid)) {
        try {
          process.kill(pid, "SIGKILL");
        } catch {
          // It has ended already, or it belongs to a user whom only its launcher may signal.
        }
      }
      this.#child.kill("SIGKILL");
    });
  }

  #pipeAt(descriptor: number): Duplex {
    // Node types stdio as nullable plain streams; these are the pipes asked for below.
    return this.#child.stdio[descriptor] as Duplex;
  }

  #send(descriptor: number, bytes: Uint8Array | string, isLast = true): void {
    const pipe = this.#pipeAt(descriptor);
    if (!isLast) return void pipe.write(bytes);
    pipe.on("error", () => undefined); // A launcher that ends before it has read is told of by its exit.
    pipe.end(bytes);
  }
}

/** @throws Error when the system refuses at once, or something was inherited that cannot be kept from the program */
function start(run: ProgramRun, { bubblewrap, limiter, userId }: ProgramConfinement): ChildProcess {
  const stdio: StdioOptions = [run.input.length > 0 ? "pipe" : "ignore", "pipe", "pipe"];
  stdio[Descriptor.arguments] = "pipe";
  stdio[Descriptor.status] = "pipe";
  stdio[Descriptor.filter] = "pipe";
  stdio[Descriptor.start] = "pipe";
  stdio[Descriptor.folder] = run.folder.descriptor;
  // Bubblewrap passes on whatever it finds open: in the place of each inherited descriptor comes nothing. To ignore one
  // beyond the standard ones means, to Node, to leave it as it is.
  const nothing = openSync("/dev/null", "r");
  try {
    for (const inherited of inheritedDescriptors()) {
      if (inherited > MAX_COVERED) throw new Error(`descriptor ${inherited} was inherited and cannot be covered`);
      while (stdio.length <= inherited) stdio.push("ignore");
      if (inherited > Descriptor.folder) stdio[inherited] = nothing;
    }
    return spawn(bubblewrap, ["--args", String(Descriptor.arguments), "--", ...limiter, run.program, ...run.args], {
      stdio,
      env: {},
      cwd: "/",
      // A session of its own: no terminal of whoever started the embedding program.
      detached: true,
      // Node drops every further group when it is given a user.
      ...(userId !== undefined && { uid: userId, gid: userId }),
    });
  } finally {
    closeSync(nothing);
  }
}

/** A control group with a process in it; `undefined` where the right to make one was taken back: then we look ourselves. */
function tryGroup(place: GroupPlace, memoryBytes: number, pid: number): ResourceGroup | undefined {
  let group: ResourceGroup | undefined;
  try {
    group = new ResourceGroup(place);
    group.allowMemory(memoryBytes);
    group.add(pid);
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

  bytes(): Uint8Array<ArrayBuffer> {
    return this.#held.slice(0, this.#length);
  }
}

/** Bubblewrap's `--json-status-fd`: the process that it started, and the code with which that ended, if it ever ran. */
class LauncherStatus {
  /** `undefined` when the launcher ended without telling. */
  readonly processId: Promise<number | undefined>;
  /** Nothing will be told any more. */
  readonly giveUp: () => void;
  #text = "";

  constructor(pipe: Duplex) {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.processId = promise;
    this.giveUp = (): void => resolve(undefined);
    pipe.on("data", (bytes: Buffer) => {
      if (this.#text.length > MAX_STATUS_BYTES) return;
      this.#text += bytes.toString("latin1");
      const pid = this.#numberOf("child-pid");
      if (pid !== undefined) resolve(pid);
    });
    for (const over of ["error", "end", "close"]) pipe.on(over, this.giveUp);
  }

  get exitCode(): number | undefined {
    return this.#numberOf("exit-code");
  }

  #numberOf(member: string): number | undefined {
    const [, digits] = new RegExp(`"${member}":\\s*(\\d+)[\\s,}]`).exec(this.#text) ?? [];
    return digits === undefined ? undefined : Number(digits);
  }
}
