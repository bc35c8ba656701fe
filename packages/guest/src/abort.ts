import { namedError } from "./web/named-error.ts";

interface AbortEvent {
  readonly type: "abort";
  readonly target: GuestAbortSignal;
  readonly currentTarget: GuestAbortSignal;
}

type Callback = (this: unknown, event: AbortEvent) => void;
type Listener = Callback | { handleEvent: Callback };

/** Only the library makes signals. */
const MAKE = Symbol("make");

/** Not methods: plugins hold signals, and only the controller may say so. */
let abortSignal: (signal: GuestAbortSignal, reason: unknown) => void;
let follow: (signal: GuestAbortSignal, work: (reason: unknown) => void) => void;

/** Wakes a timer of the guest library. */
export type SetTimer = (run: () => void, delayMs: unknown) => void;

/** Told by the library once, before a plugin's code runs. */
let setTimer: SetTimer = () => undefined;
export const useTimersForSignals = (set: SetTimer): void => void (setTimer = set);

/** A listener that throws stops no other listener; its error is one that nobody handled. */
function notify(listener: Listener, event: AbortEvent): void {
  try {
    if (typeof listener === "function") Reflect.apply(listener, event.target, [event]);
    else listener.handleEvent(event);
  } catch (error) {
    void Promise.reject(error);
  }
}

/** AbortSignal (dom.spec.whatwg.org, 3.2) without EventTarget: listeners for `abort`, and the three static makers. */
export class GuestAbortSignal {
  #isAborted = false;
  #reason: unknown = undefined;
  /** In the order they came. A signal aborts once, so `once` says nothing more. */
  readonly #listeners = new Set<Listener>();
  readonly #followers: ((reason: unknown) => void)[] = [];
  onabort: Callback | null = null;

  constructor(key: symbol) {
    if (key !== MAKE) throw new TypeError("Illegal constructor");
  }

  static abort(reason: unknown = namedError("AbortError", "This operation was aborted")): GuestAbortSignal {
    const signal = new GuestAbortSignal(MAKE);
    abortSignal(signal, reason);
    return signal;
  }

  /** Its timer is one of the plugin's: outside a call it never fires. */
  static timeout(delayMs: unknown): GuestAbortSignal {
    const delay = Number(delayMs);
    if (!(delay >= 0 && delay <= Number.MAX_SAFE_INTEGER))
      throw new TypeError("AbortSignal.timeout takes milliseconds, 0 or more");
    const signal = new GuestAbortSignal(MAKE);
    setTimer(() => abortSignal(signal, namedError("TimeoutError", "The operation was aborted due to timeout")), delay);
    return signal;
  }

  static any(signals: Iterable<GuestAbortSignal>): GuestAbortSignal {
    const sources = [...signals];
    for (const source of sources) if (!(#isAborted in source)) throw new TypeError("AbortSignal.any takes signals");
    const signal = new GuestAbortSignal(MAKE);
    const first = sources.find(({ aborted }) => aborted);
    if (first !== undefined) abortSignal(signal, first.reason);
    else for (const source of sources) follow(source, (reason) => abortSignal(signal, reason));
    return signal;
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  addEventListener(type: string, listener: Listener | null): void {
    if (type === "abort" && listener !== null) this.#listeners.add(listener);
  }

  removeEventListener(type: string, listener: Listener | null): void {
    if (type === "abort" && listener !== null) this.#listeners.delete(listener);
  }

  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  get [Symbol.toStringTag](): string {
    return "AbortSignal";
  }

  static {
    abortSignal = (signal, reason) => {
      if (signal.#isAborted) return;
      signal.#isAborted = true;
      signal.#reason = reason;
      const event: AbortEvent = { type: "abort", target: signal, currentTarget: signal };
      if (typeof signal.onabort === "function") notify(signal.onabort, event);
      // Not those that a listener adds meanwhile.
      const listeners = Array.from(signal.#listeners);
      for (const listener of listeners) if (signal.#listeners.has(listener)) notify(listener, event);
      signal.#listeners.clear();
      for (const work of signal.#followers.splice(0)) work(reason);
    };
    follow = (signal, work) => void signal.#followers.push(work);
  }
}

export class GuestAbortController {
  readonly #signal = new GuestAbortSignal(MAKE);

  get signal(): GuestAbortSignal {
    return this.#signal;
  }

  abort(reason: unknown = namedError("AbortError", "This operation was aborted")): void {
    abortSignal(this.#signal, reason);
  }

  get [Symbol.toStringTag](): string {
    return "AbortController";
  }
}
