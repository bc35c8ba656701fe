import { spawn } from "node:child_process";
import type { ChildProcess, StdioOptions } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import type { Duplex, Readable } from "node:stream";

import type { ProgramOrder } from "./starter-message.ts";
import { inheritedDescriptors } from "./walls/node-inherited-descriptors.ts";
import { identify, killGroup, killProcess } from "./walls/node-process-life.ts";
import type { ProcessIdentity } from "./walls/node-process-life.ts";
import { Descriptor, OPENING, formatProgramArguments } from "./walls/program-wall-arguments.ts";

/** Inherited descriptors beyond this one cannot be covered. */
const MAX_COVERED = 1_023;
const MAX_STATUS_BYTES = 4_096;

/** Bubblewrap with one program, which waits until it is let go. */
export class ProgramLauncher {
  readonly identity: ProcessIdentity;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** The process that waits, and then is the program. `undefined` when the launcher ended without telling. */
  readonly program: Promise<ProcessIdentity | undefined>;
  /** The launcher is gone, and all its streams have ended. */
  readonly closed: Promise<void>;
  readonly #child: ChildProcess;
  readonly #status: LauncherStatus;
  readonly #filter: Uint8Array;
  #inputLeft: number;
  #known: ProcessIdentity | undefined;
  #hasExited = false;

  /** @throws Error when the system refuses, or something was inherited that cannot be kept from the program */
  static async start(order: ProgramOrder, folder: number): Promise<ProgramLauncher> {
    const child = spawnLauncher(order, folder);
    // Why is told later, and there may be no pipes.
    if (child.pid === undefined) throw (await once(child, "error"))[0];
    return new ProgramLauncher(child, child.pid, order);
  }

  private constructor(child: ChildProcess, pid: number, order: ProgramOrder) {
    this.#child = child;
    this.#filter = order.filter;
    this.#inputLeft = order.inputBytes;
    this.identity = identify(pid);
    this.stdout = child.stdout as Readable;
    this.stderr = child.stderr as Readable;
    this.#status = new LauncherStatus(this.#pipeAt(Descriptor.status));
    this.program = this.#status.processId.then((processId) =>
      processId === undefined ? undefined : (this.#known = identify(processId)),
    );
    this.closed = new Promise((resolve) => child.once("close", () => resolve()));
    child.once("exit", () => {
      // When somebody else killed the launcher, its child may wait for ever.
      this.kill();
      this.#hasExited = true;
      this.#pipeAt(Descriptor.filter).destroy();
    });
    // A launcher that ends before it has read is told of by its exit; and a program need not read what it is given.
    for (const pipe of [this.#pipeAt(Descriptor.arguments), this.#pipeAt(Descriptor.filter), child.stdin])
      pipe?.on("error", () => undefined);
    this.#pipeAt(Descriptor.arguments).end(formatProgramArguments(order));
  }

  /** With which the program ended; `undefined` when it did not come to run. */
  get exitCode(): number | undefined {
    return this.#status.exitCode;
  }

  /** A piece of the program's input; after the last one it ends. */
  giveInput(bytes: Uint8Array): void {
    this.#inputLeft -= bytes.length;
    if (this.#inputLeft > 0) this.#child.stdin?.write(bytes);
    else this.#child.stdin?.end(bytes);
  }

  /** Lets the program begin. */
  letGo(): void {
    // In one piece: a part of a filter would be another filter.
    this.#pipeAt(Descriptor.filter).end(this.#filter);
  }

  /** SIGKILL to both, in whatever stage they are. */
  kill(): void {
    if (this.#hasExited) return;
    // Until it is let go the program is in its launcher's group; afterwards its number is known.
    if (this.#known !== undefined) killProcess(this.#known);
    killGroup(this.identity);
  }

  #pipeAt(descriptor: number): Duplex {
    // Node types stdio as nullable plain streams; these are the pipes asked for below.
    return this.#child.stdio[descriptor] as Duplex;
  }
}

/** @throws Error when the system refuses at once, or something was inherited that cannot be kept from the program */
function spawnLauncher(order: ProgramOrder, folder: number): ChildProcess {
  const { bubblewrap, limiter, program, args, inputBytes, userId } = order;
  const stdio: StdioOptions = [inputBytes > 0 ? "pipe" : "ignore", "pipe", "pipe"];
  stdio[Descriptor.arguments] = "pipe";
  stdio[Descriptor.status] = "pipe";
  stdio[Descriptor.filter] = "pipe";
  stdio[Descriptor.folder] = folder;
  // Bubblewrap passes on whatever it finds open: in the place of each inherited descriptor comes nothing. To ignore one
  // beyond the standard ones means, to Node, to leave it as it is.
  const nothing = openSync("/dev/null", "r");
  try {
    for (const inherited of inheritedDescriptors()) {
      if (inherited > MAX_COVERED) throw new Error(`descriptor ${inherited} was inherited and cannot be covered`);
      while (stdio.length <= inherited) stdio.push("ignore");
      if (inherited > Descriptor.folder) stdio[inherited] = nothing;
    }
    return spawn(bubblewrap, [...OPENING, ...limiter, program, ...args], {
      stdio,
      env: {},
      cwd: "/",
      // A session and a group of its own: no terminal of whoever started the embedding program, and one end for both.
      detached: true,
      // Node drops every further group when it is given a user.
      ...(userId !== undefined && { uid: userId, gid: userId }),
    });
  } finally {
    closeSync(nothing);
  }
}

/** Bubblewrap's `--json-status-fd`: the process that it started, and the code with which that ended, if it ever ran. */
class LauncherStatus {
  /** `undefined` when the launcher ended without telling. */
  readonly processId: Promise<number | undefined>;
  #text = "";

  constructor(pipe: Duplex) {
    const { promise, resolve } = Promise.withResolvers<number | undefined>();
    this.processId = promise;
    pipe.on("data", (bytes: Buffer) => {
      if (this.#text.length > MAX_STATUS_BYTES) return;
      this.#text += bytes.toString("latin1");
      const pid = this.#numberOf("child-pid");
      if (pid !== undefined) resolve(pid);
    });
    for (const over of ["error", "end", "close"]) pipe.on(over, () => resolve(undefined));
  }

  get exitCode(): number | undefined {
    return this.#numberOf("exit-code");
  }

  #numberOf(member: string): number | undefined {
    const [, digits] = new RegExp(`"${member}":\\s*(\\d+)[\\s,}]`).exec(this.#text) ?? [];
    return digits === undefined ? undefined : Number(digits);
  }
}
