import { decodeText, encodeText } from "@berth/wire";

import { formatLogValue } from "./console.ts";
import { GuestSignal } from "./port.ts";
import type { PostToEngine } from "./port.ts";

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
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Requests to the broker that wait for an answer. */
export class Requests {
  readonly #post: PostToEngine;
  readonly #pending = new Map<number, PendingRequest>();
  #nextId = 1;

  constructor(post: PostToEngine) {
    this.#post = post;
  }

  send(callId: number, method: string, value: unknown): Promise<unknown> {
    const { text, bytes } = encodeText(value);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#post(
        GuestSignal.request,
        id,
        JSON.stringify([callId, method]),
        text,
        ...(bytes.length === 0 ? [] : [bytes]),
      );
    });
  }

  settle(id: number, isOk: boolean, json: string, bytes: readonly Uint8Array[] = []): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    this.#pending.delete(id);
    if (isOk) pending.resolve(decodeText(json, bytes));
    else pending.reject(new BrokerError(JSON.parse(json) as { code: string; message: string; details?: unknown }));
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
    list: (options: { prefix?: string; after?: string; limit?: number } = {}) => ask("list", { ...options }),
  });
}

/** What an action gets as its second argument. */
export function makeContext(
  requests: Requests,
  post: PostToEngine,
  callId: number,
  about: object,
  signal: object,
): object {
  const log = (level: string) => (message: unknown, fields?: unknown) =>
    post(
      GuestSignal.log,
      callId,
      level,
      fields === undefined ? formatLogValue(message) : `${formatLogValue(message)} ${formatLogValue(fields)}`,
    );
  return Object.freeze({
    ...about,
    signal,
    storage: makeStorage(requests, callId, "plugin"),
    user: Object.freeze({ storage: makeStorage(requests, callId, "user") }),
    log: Object.freeze({ debug: log("debug"), info: log("info"), warn: log("warn"), error: log("error") }),
  });
}
