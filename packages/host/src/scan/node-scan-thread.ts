import { Worker } from "node:worker_threads";

import { programFile } from "@berth/base";

import type { InputFile, ScanPolicy } from "@berth/scanner";
import type { ScanResult } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { ScanAction, ScanReply, ScanRequest } from "./messages.ts";

/** Far above any honest package: 64 MiB at 2 MB/s. */
const SCAN_MS = 60_000;

interface Waiting {
  readonly resolve: (judged: JudgedScan) => void;
  readonly reject: (error: HostError) => void;
  readonly timer: NodeJS.Timeout;
  readonly what: string;
}

/** What was found, and what the policy does with it. */
export interface JudgedScan {
  readonly scan: ScanResult;
  readonly action: ScanAction;
}

/** One worker thread that scans packages, started when first needed: parsing code would stall the embedding program. */
export class ScanThread {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /** Starts the thread ahead of its first package: loading the parser takes longer than most scans. */
  warm(): void {
    this.#worker ??= this.#start();
  }

  /** @throws HostError HOST_SCAN_FAILED: what could not be read to the end counts as refused */
  scan(what: string, files: readonly InputFile[], policy: ScanPolicy): Promise<JudgedScan> {
    this.warm();
    const worker = this.#worker as Worker;
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      const timer = setTimeout(() => void worker.terminate(), SCAN_MS);
      this.#waiting.set(id, { resolve, reject, timer, what });
      worker.ref();
      const request: ScanRequest = { id, what, files, policy };
      worker.postMessage(request);
    });
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL(programFile(import.meta.url, "node-scan-worker")), {
      resourceLimits: { maxOldGenerationSizeMb: 1_024 },
    });
    worker.unref();
    worker.on("message", ({ id, result, action, fault }: ScanReply) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      clearTimeout(waiting?.timer);
      if (result !== undefined && action !== undefined) waiting?.resolve({ scan: result, action });
      else waiting?.reject(new HostError("HOST_SCAN_FAILED", `${waiting.what} could not be scanned: ${fault}`));
    });
    worker.on("error", () => undefined); // "exit" follows, and tells everybody who waits.
    worker.on("exit", () => {
      this.#worker = undefined;
      for (const { reject, timer, what } of this.#waiting.values()) {
        clearTimeout(timer);
        reject(new HostError("HOST_SCAN_FAILED", `${what} took longer or more memory to scan than it may`));
      }
      this.#waiting.clear();
    });
    return worker;
  }
}
