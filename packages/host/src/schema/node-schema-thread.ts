import { Worker } from "node:worker_threads";

import type { DialectSchema } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { SchemaReply, SchemaRequest } from "./messages.ts";

const COMPILE_MS = 5_000;
const CHECK_MS = 30_000;

type WithoutId<Request> = Request extends unknown ? Omit<Request, "id"> : never;

interface Waiting {
  readonly resolve: (reply: SchemaReply) => void;
  readonly reject: (error: HostError) => void;
  readonly timer: NodeJS.Timeout;
}

/** One worker thread for schemas, started when first needed and ended when a request overstays. */
export class SchemaThread {
  #worker: Worker | undefined;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 1;

  /**
   * Compiles schemas under a time cap. Only what passed here is ever compiled in the embedding thread.
   *
   * @throws HostError HOST_SCHEMA_UNUSABLE
   */
  async compile(schemas: readonly { what: string; schema: DialectSchema }[]): Promise<void> {
    const reply = await this.#ask({ kind: "compile", schemas: schemas.map(({ schema }) => schema) }, COMPILE_MS);
    if (reply.unusable === undefined) return;
    const what = schemas[reply.unusable.index]?.what ?? "a schema";
    throw new HostError("HOST_SCHEMA_UNUSABLE", `${what} could not be compiled: ${reply.unusable.message}`);
  }

  /** Parses and checks a large value; answers what is wrong with it, if anything. */
  async check(schema: DialectSchema, json: Uint8Array): Promise<{ path: string; message: string } | undefined> {
    const reply = await this.#ask({ kind: "check", schema, json }, CHECK_MS);
    if (reply.notJson !== undefined) return { path: "", message: `is not JSON: ${reply.notJson}` };
    return reply.fault;
  }

  async close(): Promise<void> {
    await this.#worker?.terminate();
  }

  #ask(request: WithoutId<SchemaRequest>, timeoutMs: number): Promise<SchemaReply> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    return new Promise((resolve, reject) => {
      const id = this.#nextId;
      this.#nextId += 1;
      const timer = setTimeout(() => void worker.terminate(), timeoutMs);
      this.#waiting.set(id, { resolve, reject, timer });
      worker.ref();
      worker.postMessage({ ...request, id });
    });
  }

  #start(): Worker {
    const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
    const worker = new Worker(new URL(`node-schema-worker.${extension}`, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: 1_024 },
    });
    worker.unref();
    worker.on("message", (reply: SchemaReply) => {
      const waiting = this.#waiting.get(reply.id);
      this.#waiting.delete(reply.id);
      if (this.#waiting.size === 0) worker.unref();
      clearTimeout(waiting?.timer);
      waiting?.resolve(reply);
    });
    worker.on("error", () => undefined); // "exit" follows, and tells everybody who waits.
    worker.on("exit", () => {
      this.#worker = undefined;
      for (const { reject, timer } of this.#waiting.values()) {
        clearTimeout(timer);
        reject(new HostError("HOST_SCHEMA_UNUSABLE", "a schema or a value took longer or more memory than it may"));
      }
      this.#waiting.clear();
    });
    return worker;
  }
}
