import { Worker } from "node:worker_threads";

import { programFile } from "@berth/base";

import type { DialectSchema } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { SchemaFault } from "./compile.ts";
import type { SchemaReply, SchemaRequest } from "./messages.ts";

const COMPILE_MS = 5_000;
const CHECK_MS = 30_000;
/** For values of at most 1 MiB: ordinary ones take a hundredth of it. */
const VALUE_MS = 2_000;

type WithoutId<Request> = Request extends unknown ? Omit<Request, "id"> : never;

interface Waiting {
  readonly request: SchemaRequest;
  readonly timeoutMs: number;
  readonly resolve: (reply: SchemaReply) => void;
  readonly reject: (error: HostError) => void;
}

interface UnderWay extends Waiting {
  readonly worker: Worker;
  readonly timer: NodeJS.Timeout;
}

/** One worker thread for schemas, started when first needed and ended when a request overstays. */
export class SchemaThread {
  #worker: Worker | undefined;
  readonly #waiting: Waiting[] = [];
  #underWay: UnderWay | undefined;
  #nextId = 1;
  #isClosed = false;

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

  /**
   * Like `check`, for a value that crossed.
   *
   * @throws HostError HOST_SCHEMA_UNUSABLE
   */
  async checkValue(schema: DialectSchema, { json, bytes }: WireValue): Promise<SchemaFault | undefined> {
    // Views of a larger buffer, all of which would be copied to the other thread.
    const value = { json: json.slice(), bytes: bytes.map((section) => section.slice()) };
    return (await this.#ask({ kind: "value", schema, value }, VALUE_MS)).fault;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#worker?.terminate();
  }

  /** One at a time, each with its whole time: what one of them costs is no fault of those who wait. */
  #ask(request: WithoutId<SchemaRequest>, timeoutMs: number): Promise<SchemaReply> {
    const id = this.#nextId;
    this.#nextId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<SchemaReply>();
    this.#waiting.push({ request: { ...request, id }, timeoutMs, resolve, reject });
    this.#next();
    return promise;
  }

  #next(): void {
    const next = this.#underWay === undefined ? this.#waiting.shift() : undefined;
    if (next === undefined) return;
    if (this.#isClosed) {
      next.reject(new HostError("HOST_CLOSED", "the host was closed before a value was checked"));
      return this.#next();
    }
    const worker = (this.#worker ??= this.#start());
    worker.ref();
    const timer = setTimeout(() => {
      // What comes next gets a thread that lives.
      if (this.#worker === worker) this.#worker = undefined;
      void worker.terminate();
    }, next.timeoutMs);
    this.#underWay = { ...next, worker, timer };
    worker.postMessage(next.request);
  }

  #start(): Worker {
    const worker = new Worker(new URL(programFile(import.meta.url, "node-schema-worker")), {
      resourceLimits: { maxOldGenerationSizeMb: 1_024 },
    });
    worker.unref();
    worker.on("message", (reply: SchemaReply) => {
      if (reply.id === this.#underWay?.request.id) this.#end()?.resolve(reply);
      if (this.#underWay?.worker !== worker) worker.unref();
    });
    worker.on("error", () => undefined); // "exit" follows, and tells whoever it was about.
    worker.on("exit", () => {
      if (this.#worker === worker) this.#worker = undefined;
      if (this.#underWay?.worker !== worker) return;
      this.#end()?.reject(
        new HostError("HOST_SCHEMA_UNUSABLE", "a schema or a value took longer or more memory than it may"),
      );
    });
    return worker;
  }

  /** Ends what is under way, and begins what waits. */
  #end(): UnderWay | undefined {
    const ended = this.#underWay;
    clearTimeout(ended?.timer);
    this.#underWay = undefined;
    this.#next();
    return ended;
  }
}
