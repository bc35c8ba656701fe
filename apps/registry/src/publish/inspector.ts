import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

import { CodedError, programFile } from "@berth/base";

import { RegistryError } from "../errors.ts";
import type { Inspection, InspectionReply, InspectionRefusal, InspectionRequest } from "./inspection.ts";

interface Waiting {
  readonly request: InspectionRequest;
  readonly resolve: (inspection: Inspection) => void;
  readonly reject: (error: Error) => void;
}

const MEMORY_MIB = 1_024;

/** Hands packages to a process of their own, one after the other. Owned by the server; dispose it. */
export class Inspector {
  readonly #timeoutMs: number;
  readonly #queue: Waiting[] = [];
  #child: ChildProcess | undefined;
  #current: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isDisposed = false;
  #nextNumber = 1;

  /** `timeoutMs`: how long one package may take. */
  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
  }

  /** Starts the process ahead of the first package. */
  warm(): void {
    this.#child ??= this.#start();
  }

  /** @throws what `inspectPackage` throws; RegistryError REGISTRY_INSPECTION_FAILED */
  inspect(request: Omit<InspectionRequest, "number">): Promise<Inspection> {
    return new Promise((resolve, reject) => {
      if (this.#isDisposed) return reject(failed(request.plugin, "the server is stopping"));
      this.#queue.push({ request: { ...request, number: this.#nextNumber }, resolve, reject });
      this.#nextNumber += 1;
      this.#next();
    });
  }

  /** Ends the process; what waits is refused. */
  dispose(): void {
    this.#isDisposed = true;
    this.#child?.kill("SIGKILL");
    this.#settle((waiting) => waiting.reject(failed(waiting.request.plugin, "the server is stopping")));
    for (const { request, reject } of this.#queue.splice(0)) reject(failed(request.plugin, "the server is stopping"));
  }

  #next(): void {
    if (this.#current !== undefined) return;
    const waiting = this.#queue.shift();
    if (waiting === undefined) return;
    this.#current = waiting;
    const child = (this.#child ??= this.#start());
    this.#timer = setTimeout(() => child.kill("SIGKILL"), this.#timeoutMs);
    // Without a connection its end is on its way and refuses the package.
    if (!child.connected) return;
    child.send(waiting.request, (error) => {
      if (error !== null) child.kill("SIGKILL");
    });
  }

  #start(): ChildProcess {
    const child = fork(fileURLToPath(programFile(import.meta.url, "inspecting-process")), [], {
      // Nothing of the server's environment: it may hold the passwords of the database and the blob store.
      env: {},
      execArgv: ["--disable-warning=ExperimentalWarning", `--max-old-space-size=${MEMORY_MIB}`],
      stdio: ["ignore", "ignore", "ignore", "ipc"],
    });
    child.on("message", (reply: InspectionReply) => this.#take(reply));
    child.on("exit", () => this.#onEnd(child, `it ended its process or took more than ${this.#timeoutMs} ms`));
    child.on("error", () => {
      // What never started does not exit either.
      if (child.pid === undefined) this.#onEnd(child, "no process could be started for it");
      else child.kill("SIGKILL");
    });
    child.unref();
    child.channel?.unref();
    return child;
  }

  #onEnd(child: ChildProcess, why: string): void {
    if (this.#child === child) this.#child = undefined;
    this.#settle((waiting) => waiting.reject(failed(waiting.request.plugin, why)));
    if (!this.#isDisposed) this.#next();
  }

  #take({ number, inspection, refusal }: InspectionReply): void {
    if (this.#current?.request.number !== number) return;
    this.#settle((waiting) => {
      if (inspection !== undefined) waiting.resolve(inspection);
      else if (refusal !== undefined) waiting.reject(errorOf(refusal));
    });
    this.#next();
  }

  #settle(act: (waiting: Waiting) => void): void {
    clearTimeout(this.#timer);
    const waiting = this.#current;
    this.#current = undefined;
    if (waiting !== undefined) act(waiting);
  }
}

const failed = (plugin: string, why: string): RegistryError =>
  new RegistryError("REGISTRY_INSPECTION_FAILED", `the package of ${plugin} could not be inspected: ${why}`);

/** The refusal as the inspecting process threw it, whichever package's table its code stands in. */
function errorOf({ code, kind, message, hint, details }: InspectionRefusal): CodedError {
  const row = { kind, meaning: "", cause: "", remedy: "" };
  return new CodedError({ [code]: row }, code, message, {
    ...(hint !== undefined && { hint }),
    ...(details !== undefined && { details }),
  });
}
