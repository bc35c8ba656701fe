import type { ProgramOutcome, ProgramRun } from "./node-program.ts";
import { PIECE_BYTES } from "./starter-message.ts";
import type { FromStarter, ProgramReport } from "./starter-message.ts";
import { killGroup, killProcess, untilGone } from "./walls/node-process-life.ts";
import type { ProcessIdentity } from "./walls/node-process-life.ts";

/** What is said of one program to the starter. A starter that is gone is told of by `lose`. */
export interface ProgramWire {
  /** Resolved when it is on its way. */
  giveInput(bytes: Uint8Array): Promise<void>;
  kill(): void;
}

const TOO_MUCH: ProgramOutcome = { kind: "failed", why: "more output arrived than was announced" };

/** A program that the starter runs, as the embedding program follows it. */
export class OrderedProgram {
  /** Never rejected. */
  readonly outcome: Promise<ProgramOutcome>;
  readonly #run: ProgramRun;
  readonly #wire: ProgramWire;
  readonly #resolve: (outcome: ProgramOutcome) => void;
  readonly #onAbort = (): void => this.#wire.kill();
  #launcher: ProcessIdentity | undefined;
  #program: ProcessIdentity | undefined;
  /** With room for what it wrote, of which so much has arrived. */
  #exited: Extract<ProgramOutcome, { kind: "exited" }> | undefined;
  #arrivedBytes = 0;
  #isSettled = false;

  constructor(run: ProgramRun, wire: ProgramWire) {
    this.#run = run;
    this.#wire = wire;
    const { promise, resolve } = Promise.withResolvers<ProgramOutcome>();
    this.outcome = promise;
    this.#resolve = resolve;
    run.signal.addEventListener("abort", this.#onAbort);
  }

  /** Answers whether nothing more is said of it. */
  hear(message: FromStarter): boolean {
    switch (message.kind) {
      case "launched":
        this.#launcher = message.launcher;
        break;
      case "waits":
        this.#program = message.program;
        void this.#giveInput();
        break;
      case "reported":
        this.#take(message.report);
        break;
      case "output":
        this.#fill(message.bytes);
        break;
      default: // Of a sandbox host.
    }
    return this.#isSettled;
  }

  /** The starter is gone. Bubblewrap ends with it; but not in every moment of a start. */
  async lose(why: string): Promise<void> {
    if (this.#program !== undefined) killProcess(this.#program);
    if (this.#launcher !== undefined) killGroup(this.#launcher);
    if (this.#program !== undefined) await untilGone(this.#program);
    this.#settle({ kind: "failed", why: `what starts commands was lost: ${why}` });
  }

  async #giveInput(): Promise<void> {
    const { input } = this.#run;
    for (let at = 0; at < input.length && !this.#isSettled; at += PIECE_BYTES)
      await this.#wire.giveInput(input.subarray(at, at + PIECE_BYTES));
  }

  #take(report: ProgramReport): void {
    if (report.kind !== "exited") return this.#settle(report);
    const { kind, exitCode, stdoutBytes, stderrBytes } = report;
    if (stdoutBytes + stderrBytes > this.#run.maxOutputBytes) return this.#settle(TOO_MUCH);
    this.#exited = { kind, exitCode, stdout: new Uint8Array(stdoutBytes), stderr: new Uint8Array(stderrBytes) };
    this.#settleWhenWhole(this.#exited);
  }

  #fill(bytes: Uint8Array): void {
    if (this.#exited === undefined) return;
    const { stdout, stderr } = this.#exited;
    const isOfStdout = this.#arrivedBytes < stdout.length;
    const [room, at] = isOfStdout ? [stdout, this.#arrivedBytes] : [stderr, this.#arrivedBytes - stdout.length];
    if (bytes.length > room.length - at) return this.#settle(TOO_MUCH);
    room.set(bytes, at);
    this.#arrivedBytes += bytes.length;
    this.#settleWhenWhole(this.#exited);
  }

  #settleWhenWhole(exited: Extract<ProgramOutcome, { kind: "exited" }>): void {
    if (this.#arrivedBytes === exited.stdout.length + exited.stderr.length) this.#settle(exited);
  }

  #settle(outcome: ProgramOutcome): void {
    this.#isSettled = true;
    this.#run.signal.removeEventListener("abort", this.#onAbort);
    this.#resolve(outcome);
  }
}
