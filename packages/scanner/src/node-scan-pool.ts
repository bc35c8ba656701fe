import type { ScanResult } from "@berth/spec";
import { Worker } from "node:worker_threads";

import { programFile } from "@berth/base";

import { ScannerError } from "./errors.ts";
import { defaultLimits, type ScanLimits } from "./limits.ts";
import type { ScanRequest } from "./node-scan-thread.ts";
import { conclude, type ScanOptions, withinLimits } from "./scan.ts";
import { type FileScan, type InputFile, plainFinding } from "./scan-file.ts";

/** Memory of one thread; a scan that needs more is ended and reported. */
const THREAD_MEMORY_MB = 256;
/** The parser is native and recursive: its stack is measured for this (see `syntax/parse.ts`). */
const THREAD_STACK_MB = 4;

interface Task {
  readonly input: InputFile;
  readonly limits: ScanLimits;
  readonly done: (scan: FileScan) => void;
  readonly fail: (error: Error) => void;
}

/**
 * Threads that scan files, one file at a time each. A file that takes too long or too much memory
 * costs its thread, never the caller's: it becomes a finding, and a new thread takes over.
 */
export class ScanPool {
  readonly #size: number;
  readonly #idle: Worker[] = [];
  readonly #busy = new Set<Worker>();
  readonly #queue: Task[] = [];
  #isClosed = false;

  /** @param threads Threads at most; they start when there is work. Dispose of the pool when done. */
  constructor(threads: number) {
    this.#size = Math.max(1, Math.floor(threads));
  }

  /**
   * Scans all files of one package, as `scanPackage` does, under the limits on time and memory.
   * Rules cannot be handed over to threads: they use all of them.
   *
   * @throws ScannerError SCAN_POOL_CLOSED
   */
  async scanPackage(
    path: string,
    files: readonly InputFile[],
    options: Omit<ScanOptions, "rules"> = {},
  ): Promise<ScanResult> {
    return this.#scan(path, files, options, true);
  }

  /**
   * Scans one file by itself, as `scanFile` does.
   *
   * @throws ScannerError SCAN_POOL_CLOSED
   */
  async scanFile(file: InputFile, options: Omit<ScanOptions, "rules"> = {}): Promise<ScanResult> {
    return this.#scan(file.path, [file], options, false);
  }

  async #scan(
    path: string,
    files: readonly InputFile[],
    options: Omit<ScanOptions, "rules">,
    isWhole: boolean,
  ): Promise<ScanResult> {
    const limits = { ...defaultLimits, ...options.limits };
    const taken = withinLimits(files, limits);
    const scans = await Promise.all(taken.map((input) => this.#ask(input, limits)));
    return conclude(path, taken, scans, { ...options, limits }, isWhole, files.length - taken.length);
  }

  #ask(input: InputFile, limits: ScanLimits): Promise<FileScan> {
    if (this.#isClosed) return Promise.reject(closedError());
    return new Promise((done, fail) => {
      this.#queue.push({ input, limits, done, fail });
      this.#next();
    });
  }

  #next(): void {
    while (this.#queue.length > 0 && (this.#idle.length > 0 || this.#busy.size < this.#size)) {
      const task = this.#queue.shift();
      if (task === undefined) return;
      this.#run(task, this.#idle.pop() ?? startThread());
    }
  }

  #run({ input, limits, done }: Task, worker: Worker): void {
    this.#busy.add(worker);
    const leave = (): void => {
      clearTimeout(timer);
      worker.off("message", onMessage).off("error", onError).off("exit", onExit);
      this.#busy.delete(worker);
    };
    const lost = (reason: string): void => {
      leave();
      void worker.terminate();
      done({
        findings: [plainFinding(input.path, "leaves-unscanned", reason, "medium")],
        uses: [],
        hosts: [],
        requestHosts: [],
        loads: { path: input.path, relative: [], isOpen: false },
        entropy: undefined,
      });
      this.#next();
    };
    const timer = setTimeout(
      () => lost(`Scanning this file took longer than ${limits.fileTimeoutMs} ms and was given up.`),
      limits.fileTimeoutMs,
    );
    const onMessage = (scan: FileScan): void => {
      leave();
      this.#idle.push(worker);
      done(scan);
      this.#next();
    };
    // Out of memory, or a defect of ours: either way nothing is known of the file.
    const onError = (error: unknown): void => lost(`Scanning this file failed (${codeOf(error)}).`);
    const onExit = (): void => lost("Scanning this file ended its thread.");
    worker.on("message", onMessage).on("error", onError).on("exit", onExit);
    const request: ScanRequest = { input, limits };
    worker.postMessage(request);
  }

  /** Ends all threads; scans that wait are refused, those under way report their file as not scanned. */
  async dispose(): Promise<void> {
    this.#isClosed = true;
    for (const task of this.#queue.splice(0)) task.fail(closedError());
    await Promise.all([...this.#idle.splice(0), ...this.#busy].map((worker) => worker.terminate()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dispose();
  }
}

function startThread(): Worker {
  const worker = new Worker(new URL(programFile(import.meta.url, "node-scan-thread")), {
    resourceLimits: { maxOldGenerationSizeMb: THREAD_MEMORY_MB, stackSizeMb: THREAD_STACK_MB },
    // What is scanned has no business with this process's environment, nor has the thread.
    env: {},
    stdin: false,
  });
  return worker;
}

const codeOf = (error: unknown): string => {
  const { code } = error as NodeJS.ErrnoException;
  return code === "ERR_WORKER_OUT_OF_MEMORY" ? `more than ${THREAD_MEMORY_MB} MB of memory` : (code ?? "unknown");
};

const closedError = (): ScannerError =>
  new ScannerError("SCAN_POOL_CLOSED", "Scanning a file: the pool of threads was disposed of before.");
