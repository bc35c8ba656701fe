import { GuestAbortController, GuestAbortSignal, useTimersForSignals } from "./abort.ts";
import type { LibraryPart } from "./library-part.ts";
import { Parts } from "./parts.ts";
import type { Outside, PartMaker } from "./port.ts";
import { GuestTextDecoder, GuestTextEncoder } from "./text-codec.ts";
import type { Timers } from "./timers.ts";
import { makeCrypto } from "./web/crypto.ts";
import type { Digest } from "./web/crypto.ts";

const { now } = Date;

/** Globals that few plugins need, and the parts that they are in. */
const LAZY_GLOBALS: readonly (readonly [string, LibraryPart])[] = [
  ["URL", "addresses"],
  ["URLSearchParams", "addresses"],
  ["atob", "base64"],
  ["btoa", "base64"],
  ["structuredClone", "cloning"],
];

/** The globals of the web that a plugin finds, and what the engine may do for them. */
export interface WebGlobals {
  /** Takes a part that the plugin will probably need. */
  prepare(part: LibraryPart, make: PartMaker): void;
  /** A call begins: only from now on are there random bytes and time. */
  beginCall(): void;
}

export function installWebGlobals(outside: Outside, timers: Timers): WebGlobals {
  const parts = new Parts(outside);
  let startedAt: number | undefined;
  let lastMs = 0;
  useTimersForSignals((run, delayMs) => void timers.set(run, delayMs, false, []));

  const fillRandom = (bytes: Uint8Array): void => {
    // What was drawn while the plugin was loaded would be the same in every call that begins from that state.
    if (startedAt === undefined)
      throw new Error("There are no random bytes while a plugin is loaded: draw them within a call");
    outside.fillRandom(bytes);
  };
  const utf8 = new GuestTextDecoder("utf-8", { ignoreBOM: true });
  const load = (part: LibraryPart, prepared?: PartMaker): Record<string, unknown> =>
    parts.get(part, part === "addresses" ? (bytes: Uint8Array) => utf8.decode(bytes) : undefined, prepared);
  const digests = (): Record<string, Digest> => load("digests") as Record<string, Digest>;

  const settled = Promise.resolve();
  const queueMicrotask = (callback: unknown): void => {
    if (typeof callback !== "function") throw new TypeError("queueMicrotask needs a function");
    // What the callback throws is a rejection that nobody handles; what it answers is nobody's.
    void settled.then(() => void (callback as () => unknown)());
  };
  /** No finer than `Date.now()`, and never backwards. */
  const performance = Object.freeze({
    now: (): number => (lastMs = startedAt === undefined ? 0 : Math.max(lastMs, now() - startedAt)),
  });

  const globals: Record<string, unknown> = {
    AbortController: GuestAbortController,
    AbortSignal: GuestAbortSignal,
    TextDecoder: GuestTextDecoder,
    TextEncoder: GuestTextEncoder,
    crypto: makeCrypto({ fillRandom, digests }),
    performance,
    queueMicrotask,
  };
  for (const [name, value] of Object.entries(globals)) define(name, value);
  for (const [name, part] of LAZY_GLOBALS) defineLazily(name, () => load(part)[name]);

  return {
    prepare: (part, make) => void load(part, make),
    beginCall: () => void (startedAt ??= now()),
  };
}

/** A global as the language defines its own. */
export function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, enumerable: false, configurable: true });
}

function defineLazily(name: string, make: () => unknown): void {
  Object.defineProperty(globalThis, name, {
    get() {
      const value = make();
      define(name, value);
      return value;
    },
    set(value: unknown) {
      define(name, value);
    },
    enumerable: false,
    configurable: true,
  });
}
