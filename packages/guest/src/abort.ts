type Listener = () => void;

/** Not a method: plugins hold signals, and only the controller may say so. */
let abortSignal: (signal: GuestAbortSignal, reason: unknown) => void;

/** AbortSignal as far as plugins need it: `aborted`, `reason`, listeners, `throwIfAborted`. */
export class GuestAbortSignal {
  aborted = false;
  reason: unknown = undefined;
  onabort: Listener | null = null;
  readonly #listeners = new Set<Listener>();

  addEventListener(type: string, listener: Listener): void {
    if (type === "abort") this.#listeners.add(listener);
  }

  removeEventListener(type: string, listener: Listener): void {
    if (type === "abort") this.#listeners.delete(listener);
  }

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  static {
    abortSignal = (signal, reason) => {
      if (signal.aborted) return;
      signal.aborted = true;
      signal.reason = reason;
      signal.onabort?.();
      for (const listener of signal.#listeners) listener();
      signal.#listeners.clear();
    };
  }
}

export class GuestAbortController {
  readonly signal = new GuestAbortSignal();

  abort(reason: unknown = new Error("The call was cancelled")): void {
    abortSignal(this.signal, reason);
  }
}
