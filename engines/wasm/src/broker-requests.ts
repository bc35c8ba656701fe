import { decodeText, encodeText } from "@berth/wire";

import { refused } from "./refusal.ts";

/** Sends one request of a call to the broker. */
export type PostRequest = (requestId: number, method: string, json: string, bytes: readonly Uint8Array[]) => void;

/** The request to the broker that a call waits for. A module is suspended while it waits, so there is at most one. */
export class BrokerRequests {
  readonly #post: PostRequest;
  #nextId = 1;
  #pending:
    | { readonly id: number; readonly resolve: (value: unknown) => void; readonly reject: (error: Error) => void }
    | undefined;

  constructor(post: PostRequest) {
    this.#post = post;
  }

  /** The broker's answer. @throws what it refused with, WireError WIRE_VALUE_NOT_JSON */
  send(method: string, request: object): Promise<unknown> {
    const { text, bytes } = encodeText(request);
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#pending = { id, resolve, reject };
      this.#post(id, method, text, bytes);
    });
  }

  /** Whether the module waits for this answer; else it is one to a request of a call that was given up. */
  isAwaited(id: number): boolean {
    return this.#pending?.id === id;
  }

  settle(id: number, isOk: boolean, json: string, bytes: readonly Uint8Array[]): void {
    const pending = this.#pending;
    if (pending?.id !== id) return;
    this.#pending = undefined;
    try {
      if (isOk) return pending.resolve(decodeText(json, bytes));
      const { code, message } = JSON.parse(json) as { code: string; message: string };
      pending.reject(refused(code, message));
    } catch (error) {
      // Not what an embedding process of ours sends; it ends the call, not the sandbox host.
      pending.reject(error as Error);
    }
  }

  /** Nobody waits for the answer any more: the module goes on with this error. */
  abandon(error: Error): void {
    this.#pending?.reject(error);
    this.#pending = undefined;
  }
}
