import { decodeText, encodeText } from "@berth/wire";

import { formatLogValue, makeConsole } from "./console.ts";
import { CallContext, Requests, cancelContext } from "./context.ts";
import type { CallFacts, FactsReader } from "./context.ts";
import { reduceIntrinsics } from "./intrinsics.ts";
import { ItemSource, verifyItemSize } from "./item-source.ts";
import { GuestSignal } from "./port.ts";
import type { GuestEntry, Outside, PostToEngine } from "./port.ts";
import { Timers } from "./timers.ts";
import { define, installWebGlobals } from "./web-globals.ts";

/** Taken before any code of the plugin can replace them. */
const { parse, stringify } = JSON;

/** The name under which a bundle leaves its default export. */
export const PLUGIN_GLOBAL = "berthPlugin";

const MAX_STACK = 4_096;
/** Longer answers are posted: a long string that a function returns stays with the engine until its next full collection. */
const MAX_RETURNED_LENGTH = 1_000;

type Handler = (input: unknown, context: object) => unknown;

/** An error in the plugin's words, as JSON: `{name, message, stack, code}`. Never throws, whatever was thrown. */
export function reportFailure(error: unknown): string {
  const text = (value: unknown): string => (typeof value === "string" ? value.slice(0, MAX_STACK) : "");
  try {
    if (typeof error === "object" && error !== null) {
      const { name, message, stack, code } = error as Record<string, unknown>;
      return stringify({
        name: text(name) || "Error",
        message: text(message),
        stack: text(stack),
        code: text(code),
      });
    }
    return stringify({ name: "Error", message: text(String(error)), stack: "", code: "" });
  } catch {
    // A getter or a toString of the plugin's threw: there is nothing truthful left to tell.
    return stringify({
      name: "Error",
      message: "The plugin threw a value that cannot be read",
      stack: "",
      code: "",
    });
  }
}

function installGlobals(post: PostToEngine, timers: Timers): void {
  define("console", makeConsole(post));
  define("clearInterval", (id: unknown) => timers.clear(id));
  define("clearTimeout", (id: unknown) => timers.clear(id));
  for (const [name, isRepeating] of [
    ["setInterval", true],
    ["setTimeout", false],
  ] as const)
    define(name, (callback: unknown, delay?: unknown, ...args: unknown[]) =>
      timers.set(callback, delay, isRepeating, args),
    );
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

/** Reads what the host tells of a call. Calls of one action are told the same, so the last reading is kept. */
function makeFactsReader(): FactsReader {
  let lastText = "";
  let lastFacts: CallFacts = { plugin: undefined, action: undefined, event: undefined };
  return (text) => {
    if (text !== lastText) {
      const { plugin, action, event } = parse(text) as CallFacts;
      lastFacts = { plugin: Object.freeze(plugin), action, event: Object.freeze(event) };
      lastText = text;
    }
    return lastFacts;
  };
}

/** Prepares a fresh realm and gives the engine its way in. Called once, before any code of the plugin. */
export function boot(post: PostToEngine, outside: Outside): GuestEntry {
  reduceIntrinsics();
  const open = new Map<number, CallContext>();
  const streams = new Map<number, ItemSource>();
  const timers = new Timers(post, () => open.size > 0);
  const requests = new Requests(post);
  const factsOf = makeFactsReader();
  let actions = new Map<string, Handler>();
  installGlobals(post, timers);
  const web = installWebGlobals(outside, timers);

  const end = (callId: number): boolean => {
    if (!open.delete(callId)) return false;
    streams.delete(callId);
    requests.endCall(callId);
    // With the last call its timers go: a plugin works within calls, not between them.
    if (open.size === 0) timers.forgetAll();
    return true;
  };
  const fail = (callId: number, error: unknown): void => {
    if (end(callId)) post(GuestSignal.failure, callId, "", reportFailure(error));
  };
  /** Ends a call with a value: posts it, or hands back its text when the engine waits for it. */
  const succeed = (callId: number, value: unknown, isAwaited: boolean): string | undefined => {
    if (!open.has(callId)) return undefined;
    try {
      // An action that returns nothing answers null: JSON has no undefined.
      const { text, bytes } = encodeText(value === undefined ? null : value);
      end(callId);
      if (isAwaited && bytes.length === 0 && text.length <= MAX_RETURNED_LENGTH) return text;
      post(GuestSignal.result, callId, "", text, ...(bytes.length === 0 ? [] : [bytes]));
    } catch (error) {
      fail(callId, error);
    }
    return undefined;
  };

  const begin = (
    callId: number,
    action: string,
    json: string,
    bytes: readonly Uint8Array[],
    about: string,
  ): unknown => {
    const context = new CallContext(callId, about, factsOf, requests, post);
    open.set(callId, context);
    const handler = actions.get(action);
    if (handler === undefined)
      throw new Error(`The plugin declares the action ${stringify(action)} but does not export it`);
    web.beginCall();
    return handler(decodeText(json, bytes), context);
  };
  /** Ends a stream for which nobody waits, or which cannot go on, after the plugin's own work at its end. */
  const leave = (callId: number, source: ItemSource, then: () => void): void =>
    void source.leave().then(then, (error: unknown) => fail(callId, error));
  const give = (callId: number, source: ItemSource, value: unknown): void => {
    if (!open.has(callId)) return;
    try {
      const { text, bytes } = encodeText(value === undefined ? null : value);
      verifyItemSize(text, bytes);
      post(GuestSignal.item, callId, "", text, ...(bytes.length === 0 ? [] : [bytes]));
    } catch (error) {
      leave(callId, source, () => fail(callId, error));
    }
  };

  /** Nobody knows which call set a timer; when there is only one, it was that one. */
  const failTimer = (error: unknown): void => {
    const [callId, ...others] = open.keys();
    if (callId !== undefined && others.length === 0) fail(callId, error);
    else post(GuestSignal.log, 0, "error", `a timer's function threw: ${formatLogValue(error)}`);
  };

  return {
    prepare: (part, make) => web.prepare(part, make),
    start() {
      const holder = globalThis as unknown as Record<string, unknown>;
      const definition = holder[PLUGIN_GLOBAL];
      // A top-level `var` cannot be deleted; it stays as a global of the plugin's own, which harms nobody.
      Reflect.deleteProperty(holder, PLUGIN_GLOBAL);
      // A bundle whose entry has named exports too leaves a namespace with `default`.
      const inner = (definition as { default?: unknown } | undefined)?.default;
      actions = readActions(inner ?? definition);
      return stringify([...actions.keys()]);
    },
    call(callId, action, json, bytes = [], about) {
      try {
        const answer = begin(callId, action, json, bytes, about);
        if (typeof (answer as Promise<unknown> | undefined)?.then !== "function") return succeed(callId, answer, true);
        void (answer as Promise<unknown>).then(
          (value) => succeed(callId, value, false),
          (error: unknown) => fail(callId, error),
        );
      } catch (error) {
        fail(callId, error);
      }
      return undefined;
    },
    stream(callId, action, json, bytes = [], about) {
      try {
        streams.set(callId, new ItemSource(action, begin(callId, action, json, bytes, about)));
      } catch (error) {
        fail(callId, error);
      }
      return undefined;
    },
    pull(callId) {
      const source = streams.get(callId);
      if (source === undefined) return undefined;
      void source.next().then(
        ({ isOver, value }) => {
          if (isOver) succeed(callId, null, false);
          else give(callId, source, value);
        },
        (error: unknown) => fail(callId, error),
      );
      return undefined;
    },
    settle: (requestId, isOk, json, bytes) => requests.settle(requestId, isOk, json, bytes),
    cancel(callId) {
      const context = open.get(callId);
      if (context !== undefined) cancelContext(context);
      const source = streams.get(callId);
      if (source !== undefined) leave(callId, source, () => void succeed(callId, null, false));
    },
    fire(timerId) {
      try {
        timers.fire(timerId);
      } catch (error) {
        failTimer(error);
      }
    },
  };
}
