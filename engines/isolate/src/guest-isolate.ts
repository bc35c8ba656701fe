import ivm from "isolated-vm";

/** Room for what the isolate's own limit does not count, beyond the plugin's memory. */
const ISOLATE_OVERHEAD_MIB = 8;

/** The most that a guest draws at a time. */
const MAX_RANDOM_BYTES = 65_536;

/** What the isolates of a process need besides what the supervisor sends. */
export interface IsolateSources {
  /** The built guest library, as a script that answers with its `boot`. */
  readonly guestScript: string;
  /** Scripts of the library's parts, by their names. */
  readonly partScripts: ReadonlyMap<string, string>;
  /** Bytes from a secure source, one character for each. */
  randomText(count: number): string;
}

/** A function of the guest library. */
export type GuestFunction = ivm.Reference<(...args: never[]) => unknown>;

/**
 * The guest library's script. Its compiled form is kept in this process, made from our own text in an isolate
 * that holds no plugin; nothing compiled ever comes from elsewhere, because V8 believes what it says.
 */
export class GuestLibrary {
  readonly #sources: IsolateSources;
  #compiled: ivm.ExternalCopy<ArrayBuffer> | undefined;

  constructor(sources: IsolateSources) {
    this.#sources = sources;
  }

  /** What the library may ask of this process. The guest is hostile: what it asks for is looked at. */
  makeOutside(): ivm.Callback[] {
    const { randomText, partScripts } = this.#sources;
    const draw = (count: unknown): string =>
      typeof count === "number" && Number.isInteger(count) && count > 0 && count <= MAX_RANDOM_BYTES
        ? randomText(count)
        : "";
    const readPart = (part: unknown): string => (typeof part === "string" ? (partScripts.get(part) ?? "") : "");
    return [new ivm.Callback(draw, { sync: true }), new ivm.Callback(readPart, { sync: true })];
  }

  /** `isUrgent`: somebody waits, so this is no moment to keep the compiled form. */
  compile(isolate: ivm.Isolate, isUrgent: boolean): ivm.Script {
    const filename = "berth:guest";
    const { guestScript } = this.#sources;
    if (this.#compiled !== undefined)
      return isolate.compileScriptSync(guestScript, { filename, cachedData: this.#compiled });
    if (isUrgent) return isolate.compileScriptSync(guestScript, { filename });
    // isolated-vm's types do not name where it leaves the compiled form.
    const script: ivm.Script & { readonly cachedData?: ivm.ExternalCopy<ArrayBuffer> } = isolate.compileScriptSync(
      guestScript,
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
  readonly #functionOf: (name: string) => GuestFunction;
  #stream: GuestFunction | undefined;
  #pull: GuestFunction | undefined;
  #listener: ((said: unknown[]) => void) | undefined;

  /** @throws Error when there is no memory for it */
  constructor(library: GuestLibrary, memoryMiB: number, isUrgent: boolean) {
    this.memoryMiB = memoryMiB;
    this.isolate = new ivm.Isolate({ memoryLimit: memoryMiB + ISOLATE_OVERHEAD_MIB });
    try {
      this.context = this.isolate.createContextSync();
      const boot = library.compile(this.isolate, isUrgent).runSync(this.context, { reference: true }) as GuestFunction;
      const post = new ivm.Callback((...said: unknown[]) => this.#listener?.(said), { sync: true });
      const entry = boot.applySync(undefined, [post, ...library.makeOutside()] as never[], {
        result: { reference: true },
      }) as ivm.Reference<Record<string, never>>;
      const functionOf = (name: string): GuestFunction =>
        entry.getSync(name as never, { reference: true }) as GuestFunction;
      this.#functionOf = functionOf;
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

  /** Made when first asked for: most plugins stream nothing. */
  get stream(): GuestFunction {
    return (this.#stream ??= this.#functionOf("stream"));
  }

  get pull(): GuestFunction {
    return (this.#pull ??= this.#functionOf("pull"));
  }

  /**
   * Enters without a plugin, so that the first call finds compiled what every call goes through. It leaves nothing:
   * for the guest library a call begins where its action does.
   */
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
