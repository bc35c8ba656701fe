import { decodeText, encodeText } from "@berth/wire";

import { GuestAbortController, GuestAbortSignal } from "./abort.ts";
import { makeConsole } from "./console.ts";
import { Requests, makeContext } from "./context.ts";
import { reduceIntrinsics } from "./intrinsics.ts";
import { GuestSignal } from "./port.ts";
import type { GuestEntry, PostToEngine } from "./port.ts";
import { GuestTextDecoder, GuestTextEncoder } from "./text-codec.ts";
import { Timers } from "./timers.ts";

/** The name under which a bundle leaves its default export. */
export const PLUGIN_GLOBAL = "berthPlugin";

const MAX_STACK = 4_096;

type Handler = (input: unknown, context: object) => unknown;

function reportFailure(error: unknown): string {
  const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, MAX_STACK) : "");
  try {
    if (typeof error === "object" && error !== null) {
      const { name, message, stack, code } = error as Record<string, unknown>;
      return JSON.stringify({
        name: text(name) || "Error",
        message: text(message),
        stack: text(stack),
        code: text(code),
      });
    }
    return JSON.stringify({ name: "Error", message: text(String(error)), stack: "", code: "" });
  } catch {
    // A getter or a toString of the plugin's threw: there is nothing truthful left to tell.
    return JSON.stringify({
      name: "Error",
      message: "The plugin threw a value that cannot be read",
      stack: "",
      code: "",
    });
  }
}

function installGlobals(post: PostToEngine, timers: Timers): void {
  const globals: Record<string, unknown> = {
    AbortController: GuestAbortController,
    AbortSignal: GuestAbortSignal,
    TextDecoder: GuestTextDecoder,
    TextEncoder: GuestTextEncoder,
    console: makeConsole(post),
    clearInterval: (id: unknown) => timers.clear(id),
    clearTimeout: (id: unknown) => timers.clear(id),
    queueMicrotask: (callback: () => void) => void Promise.resolve().then(callback),
    setInterval: (callback: unknown, delay?: unknown, ...args: unknown[]) => timers.set(callback, delay, true, args),
    setTimeout: (callback: unknown, delay?: unknown, ...args: unknown[]) => timers.set(callback, delay, false, args),
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
  }
}

/** The plugin's own handlers, from a definition that foreign code made. */
function readActions(definition: unknown): Map<string, Handler> {
  const actions = (definition as { actions?: unknown } | undefined)?.actions;
  const found = new Map<string, Handler>();
  if (typeof actions !== "object" || actions === null) return found;
  for (const [name, handler] of Object.entries(actions)) {
    if (typeof handler === "function") found.set(name, handler as Handler);
  }
  return found;
}

/** Prepares a fresh realm and gives the engine its way in. Called once, before any code of the plugin. */
export function boot(post: PostToEngine): GuestEntry {
  reduceIntrinsics();
  const timers = new Timers(post);
  const requests = new Requests(post);
  const open = new Map<number, GuestAbortController>();
  let actions = new Map<string, Handler>();
  installGlobals(post, timers);

  const fail = (callId: number, error: unknown): void => {
    if (open.delete(callId)) post(GuestSignal.failure, callId, "", reportFailure(error));
  };
  const succeed = (callId: number, value: unknown): void => {
    if (!open.has(callId)) return;
    try {
      // An action that returns nothing answers null: JSON has no undefined.
      const { text, bytes } = encodeText(value === undefined ? null : value);
      open.delete(callId);
      post(GuestSignal.result, callId, "", text, ...(bytes.length === 0 ? [] : [bytes]));
    } catch (error) {
      fail(callId, error);
    }
  };

  return {
    start() {
      const holder = globalThis as unknown as Record<string, unknown>;
      const definition = holder[PLUGIN_GLOBAL];
      // A top-level `var` cannot be deleted; it stays as a global of the plugin's own, which harms nobody.
      Reflect.deleteProperty(holder, PLUGIN_GLOBAL);
      // A bundle whose entry has named exports too leaves a namespace with `default`.
      const inner = (definition as { default?: unknown } | undefined)?.default;
      actions = readActions(inner ?? definition);
      return JSON.stringify([...actions.keys()]);
    },
    call(callId, action, json, bytes = [], context) {
      const controller = new GuestAbortController();
      open.set(callId, controller);
      const handler = actions.get(action);
      if (handler === undefined)
        return fail(
          callId,
          new Error(`The plugin declares the action ${JSON.stringify(action)} but does not export it`),
        );
      try {
        const about = JSON.parse(context) as object;
        const answer = handler(decodeText(json, bytes), makeContext(requests, post, callId, about, controller.signal));
        if (typeof (answer as Promise<unknown> | undefined)?.then === "function") {
          void (answer as Promise<unknown>).then(
            (value) => succeed(callId, value),
            (error: unknown) => fail(callId, error),
          );
        } else {
          succeed(callId, answer);
        }
      } catch (error) {
        fail(callId, error);
      }
    },
    settle: (requestId, isOk, json, bytes) => requests.settle(requestId, isOk, json, bytes),
    cancel: (callId) => open.get(callId)?.abort(),
    fire: (timerId) => timers.fire(timerId),
  };
}
