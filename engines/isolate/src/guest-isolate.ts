import ivm from "isolated-vm";

/** Room for what the isolate's own limit does not count, beyond the plugin's memory. */
const ISOLATE_OVERHEAD_MIB = 8;

/** A function of the guest library. */
export type GuestFunction = ivm.Reference<(...args: never[]) => unknown>;

/**
 * The guest library's script. Its compiled form is kept in this process, made from our own text in an isolate
 * that holds no plugin; nothing compiled ever comes from elsewhere, because V8 believes what it says.
 */
export class GuestLibrary {
  readonly #script: string;
  #compiled: ivm.ExternalCopy<ArrayBuffer> | undefined;

  constructor(script: string) {
    this.#script = script;
  }

  /** `isUrgent`: somebody waits, so this is no moment to keep the compiled form. */
  compile(isolate: ivm.Isolate, isUrgent: boolean): ivm.Script {
    const filename = "berth:guest";
    if (this.#compiled !== undefined)
      return isolate.compileScriptSync(this.#script, { filename, cachedData: this.#compiled });
    if (isUrgent) return isolate.compileScriptSync(this.#script, { filename });
    // isolated-vm's types do not name where it leaves the compiled form.
    const script: ivm.Script & { readonly cachedData?: ivm.ExternalCopy<ArrayBuffer> } = isolate.compileScriptSync(
      this.#script,
      { filename, produceCachedData: true },
    );
    this.#compiled = script.cachedData;
    return script;
  }
}

/** An isolate with the guest library in it and no plugin yet. It serves one compartment and goes with it. */
export class GuestIsolate implements Disposable {
  /** What its compartment may use; fixed when the isolate is made. */
  readonly memoryMiB: number;
  readonly isolate: ivm.Isolate;
  readonly context: ivm.Context;
  readonly start: GuestFunction;
  readonly call: GuestFunction;
  readonly settle: GuestFunction;
  readonly cancel: GuestFunction;
  readonly fire: GuestFunction;
  #listener: ((said: unknown[]) => void) | undefined;

  /** @throws Error when there is no memory for it */
  constructor(library: GuestLibrary, memoryMiB: number, isUrgent: boolean) {
    this.memoryMiB = memoryMiB;
    this.isolate = new ivm.Isolate({ memoryLimit: memoryMiB + ISOLATE_OVERHEAD_MIB });
    try {
      this.context = this.isolate.createContextSync();
      const boot = library.compile(this.isolate, isUrgent).runSync(this.context, { reference: true }) as GuestFunction;
      const post = new ivm.Callback((...said: unknown[]) => this.#listener?.(said), { sync: true });
      const entry = boot.applySync(undefined, [post as never], { result: { reference: true } }) as ivm.Reference<
        Record<string, never>
      >;
      const functionOf = (name: string): GuestFunction =>
        entry.getSync(name as never, { reference: true }) as GuestFunction;
      this.start = functionOf("start");
      this.call = functionOf("call");
      this.settle = functionOf("settle");
      this.cancel = functionOf("cancel");
      this.fire = functionOf("fire");
      if (!isUrgent) this.#rehearse();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Enters without a plugin, so that the first call finds compiled what every call goes through. It leaves nothing. */
  #rehearse(): void {
    this.start.applySync(undefined, []);
    // There is no such action, and nobody hears the failure.
    this.call.applySync(undefined, [0, "", "null", undefined, "{}"] as never[]);
  }

  /** Names who hears what the guest posts. Before that there is no plugin, and nobody hears anything. */
  attach(listener: (said: unknown[]) => void): void {
    this.#listener = listener;
  }

  [Symbol.dispose](): void {
    if (!this.isolate.isDisposed) this.isolate.dispose();
  }
}
