import { Worker } from "node:worker_threads";

import { programFile } from "@berth/base";

import { HostError } from "../errors.ts";
import type { ThreadReply, ThreadRequest } from "./messages.ts";

interface UnderWay {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
  readonly settle: { resolve: (reply: ThreadReply) => void; reject: (error: HostError) => void };
}

/**
 * A worker thread that reads folders of plugins: inflating and checking what strangers left there would stall the
 * embedding program. It is ended when one answer takes too long, and another one begins with the next request.
 */
export class DiscoveryThread implements Disposable {
  readonly #maxMs: number;
  #worker: Worker | undefined;
  #underWay: UnderWay | undefined;

  /** @param maxMs for one answer, the start of the thread included */
  constructor(maxMs: number) {
    this.#maxMs = maxMs;
  }

  /** One at a time. @throws HostError HOST_DISCOVERY_LIMIT, HOST_CLOSED */
  ask(request: ThreadRequest): Promise<ThreadReply> {
    const { promise, resolve, reject } = Promise.withResolvers<ThreadReply>();
    const worker = (this.#worker ??= this.#start());
    const timer = setTimeout(() => this.#end(tookTooMuch(this.#maxMs)), this.#maxMs);
    this.#underWay = { worker, timer, settle: { resolve, reject } };
    worker.postMessage(request);
    return promise;
  }

  [Symbol.dispose](): void {
    this.#end(new HostError("HOST_CLOSED", "the host was closed before everything was looked at"));
  }

  /** Not waited for: a thread that hangs in the system ends when the system answers. */
  #end(why: HostError): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#settle(({ reject }) => reject(why));
    void worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(new URL(programFile(import.meta.url, "node-discovery-worker")), {
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    worker.on("message", (reply: ThreadReply) => {
      if (this.#underWay?.worker === worker) this.#settle(({ resolve }) => resolve(reply));
    });
    worker.on("error", () => undefined); // "exit" follows, and tells whoever waits.
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      if (this.#underWay?.worker === worker) this.#settle(({ reject }) => reject(tookTooMuch(this.#maxMs)));
    });
    return worker;
  }

  #settle(how: (settle: UnderWay["settle"]) => void): void {
    const underWay = this.#underWay;
    this.#underWay = undefined;
    if (underWay === undefined) return;
    clearTimeout(underWay.timer);
    how(underWay.settle);
  }
}

const tookTooMuch = (maxMs: number): HostError =>
  new HostError("HOST_DISCOVERY_LIMIT", `reading it took more than ${maxMs} ms, or more memory than it may`);
