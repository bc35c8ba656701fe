import { decodeText, encodeText } from "@berth/wire";

import { GuestAbortController } from "./abort.ts";
import { formatLogValue } from "./console.ts";
import { GuestSignal } from "./port.ts";
import type { PostToEngine } from "./port.ts";
import { formatProgress } from "./progress.ts";
import { Services } from "./services.ts";
import { namedError } from "./web/named-error.ts";

/** Taken before any code of the plugin can replace them. */
const { parse, stringify } = JSON;

/** An error that the broker answered with, as the plugin sees it. */
export class BrokerError extends Error {
  readonly code: string;
  readonly details: unknown;

  constructor(report: { code: string; message: string; details?: unknown }) {
    super(report.message);
    this.name = "BerthError";
    this.code = report.code;
    this.details = report.details;
  }
}

interface PendingRequest {
  readonly callId: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests to the broker that wait for an answer. */
export class Requests {
  readonly #post: PostToEngine;
  readonly #pending = new Map<number, PendingRequest>();
  readonly #ofCall = new Map<number, Set<number>>();
  #nextId = 1;

  constructor(post: PostToEngine) {
    this.#post = post;
  }

  send(callId: number, method: string, value: unknown): Promise<unknown> {
    const { text, bytes } = encodeText(value);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { callId, resolve, reject });
      const ids = this.#ofCall.get(callId);
      if (ids === undefined) this.#ofCall.set(callId, new Set([id]));
      else ids.add(id);
      const head = stringify([callId, method]);
      this.#post(GuestSignal.request, id, head, text, ...(bytes.length === 0 ? [] : [bytes]));
    });
  }

  settle(id: number, isOk: boolean, json: string, bytes: readonly Uint8Array[] = []): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    this.#ofCall.get(pending.callId)?.delete(id);
    if (isOk) pending.resolve(decodeText(json, bytes));
    else pending.reject(new BrokerError(parse(json) as { code: string; message: string; details?: unknown }));
  }

  /** The call has ended: the engine drops what is answered from now on. */
  endCall(callId: number): void {
    const ids = this.#ofCall.get(callId);
    if (ids === undefined) return;
    this.#ofCall.delete(callId);
    for (const id of ids) this.#pending.delete(id);
  }
}

/** Builds one area of key-value storage: the plugin's, or the caller's partition of it. */
function makeStorage(requests: Requests, callId: number, area: "plugin" | "user"): object {
  const ask = (verb: string, value: Record<string, unknown>): Promise<unknown> =>
    requests.send(callId, `storage.${verb}`, { area, ...value });
  return Object.freeze({
    get: (key: string) => ask("get", { key }).then((answer) => (answer as { value?: unknown }).value),
    put: (key: string, value: unknown) => ask("put", { key, value }).then(() => undefined),
    delete: (key: string) => ask("delete", { key }).then((answer) => (answer as { deleted: boolean }).deleted),
    batch: (operations: unknown) =>
      ask("batch", { operations }).then((answer) => (answer as { applied: boolean }).applied),
    compareAndSet: (key: string, expected: unknown, value: unknown) =>
      ask("batch", {
        operations: [
          { do: "expect", key, value: expected },
          value === undefined ? { do: "delete", key } : { do: "put", key, value },
        ],
      }).then((answer) => (answer as { applied: boolean }).applied),
    list: (options: { prefix?: string; after?: string; limit?: number } = {}) => ask("list", { ...options }),
  });
}

function makeLog(post: PostToEngine, callId: number): object {
  const log = (level: string) => (message: unknown, fields?: unknown) => {
    const text = formatLogValue(message);
    post(GuestSignal.log, callId, level, fields === undefined ? text : `${text} ${formatLogValue(fields)}`);
  };
  return Object.freeze({ debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") });
}

const cancelled = (): Error => namedError("AbortError", "The call was cancelled");

/** What the host tells the plugin of a call. */
export interface CallFacts {
  readonly plugin: unknown;
  readonly action: unknown;
  readonly event: unknown;
}

/** Reads what the host tells, when a plugin first asks for it. */
export type FactsReader = (about: string) => CallFacts;

/** The caller left. Not a method: a plugin holds the context, and only the library may say so. */
export let cancelContext: (context: CallContext) => void;

/**
 * What an action gets as its second argument. Its parts are made when they are first asked for: most
 * actions use few of them, and a call is short.
 */
export class CallContext {
  readonly #callId: number;
  readonly #about: string;
  readonly #factsOf: FactsReader;
  readonly #requests: Requests;
  readonly #post: PostToEngine;
  #controller: GuestAbortController | undefined;
  #isCancelled = false;
  #storage: object | undefined;
  #user: object | undefined;
  #log: object | undefined;
  #services: Services | undefined;

  constructor(callId: number, about: string, factsOf: FactsReader, requests: Requests, post: PostToEngine) {
    this.#callId = callId;
    this.#about = about;
    this.#factsOf = factsOf;
    this.#requests = requests;
    this.#post = post;
    Object.freeze(this);
  }

  get plugin(): unknown {
    return this.#factsOf(this.#about).plugin;
  }

  get action(): unknown {
    return this.#factsOf(this.#about).action;
  }

  get event(): unknown {
    return this.#factsOf(this.#about).event;
  }

  get signal(): object {
    if (this.#controller === undefined) {
      this.#controller = new GuestAbortController();
      if (this.#isCancelled) this.#controller.abort(cancelled());
    }
    return this.#controller.signal;
  }

  get storage(): object {
    return (this.#storage ??= makeStorage(this.#requests, this.#callId, "plugin"));
  }

  get user(): object {
    const service = (): Services => this.#service;
    return (this.#user ??= Object.freeze({
      storage: makeStorage(this.#requests, this.#callId, "user"),
      get data() {
        return service().userData;
      },
    }));
  }

  get log(): object {
    return (this.#log ??= makeLog(this.#post, this.#callId));
  }

  get config(): object {
    return this.#service.config;
  }

  get events(): object {
    return this.#service.events;
  }

  get exec(): object {
    return this.#service.exec;
  }

  get files(): object {
    return this.#service.files;
  }

  get permissions(): object {
    return this.#service.permissions;
  }

  get plugins(): object {
    return this.#service.plugins;
  }

  get schedules(): object {
    return this.#service.schedules;
  }

  get secrets(): object {
    return this.#service.secrets;
  }

  get fetch(): object {
    return (url: unknown, options?: object) => this.#service.fetch(url, options);
  }

  get progress(): object {
    return (report: unknown) => this.#post(GuestSignal.progress, this.#callId, "", formatProgress(report));
  }

  get #service(): Services {
    return (this.#services ??= new Services(this.#requests, this.#callId));
  }

  static {
    cancelContext = (context) => {
      context.#isCancelled = true;
      context.#controller?.abort(cancelled());
    };
  }
}
