import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine, LossReason } from "@berth/sandbox";
import { GuestSignal } from "@berth/guest";
import ivm from "isolated-vm";

/** Room for what the isolate's own limit does not count, beyond the plugin's memory. */
const ISOLATE_OVERHEAD_MIB = 8;
/** CPU time for work that belongs to no call under way: late answers, last words. */
const STRAY_CPU_MS = 100;

type Bytes = readonly Uint8Array[];

/** V8 isolates through isolated-vm: one isolate for each compartment. `guestScript` is the built guest library. */
export function makeIsolateEngine(guestScript: string): Engine {
  return {
    name: "isolate",
    open: (options, port) => new IsolateCompartment(guestScript, options, port),
  };
}

type GuestFunction = ivm.Reference<(...args: never[]) => unknown>;

/**
 * Every entry into the guest is synchronous and drains its microtasks, so an action that answers without
 * waiting costs one crossing and no thread hop. The process does nothing else meanwhile; it is the
 * supervisor's to kill.
 */
class IsolateCompartment implements Compartment {
  readonly actions: readonly string[];
  readonly #isolate: ivm.Isolate;
  readonly #port: CompartmentPort;
  readonly #options: CompartmentOptions;
  readonly #call: GuestFunction;
  readonly #settle: GuestFunction;
  readonly #cancel: GuestFunction;
  readonly #fire: GuestFunction;
  /** CPU time left for each call under way, milliseconds. */
  readonly #budgets = new Map<number, number>();
  readonly #requests = new Map<number, number>();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  #isLost = false;

  constructor(guestScript: string, options: CompartmentOptions, port: CompartmentPort) {
    this.#options = options;
    this.#port = port;
    this.#isolate = new ivm.Isolate({ memoryLimit: options.memoryMiB + ISOLATE_OVERHEAD_MIB });
    try {
      const context = this.#isolate.createContextSync();
      const guest = this.#isolate.compileScriptSync(guestScript, { filename: "berth:guest" });
      const boot = guest.runSync(context, { reference: true }) as GuestFunction;
      const post = new ivm.Callback((...said: unknown[]) => this.#hear(said), { sync: true });
      const entry = boot.applySync(undefined, [post as never], { result: { reference: true } }) as ivm.Reference<
        Record<string, never>
      >;
      const functionOf = (name: string): GuestFunction =>
        entry.getSync(name as never, { reference: true }) as GuestFunction;
      this.#call = functionOf("call");
      this.#settle = functionOf("settle");
      this.#cancel = functionOf("cancel");
      this.#fire = functionOf("fire");
      const timeout = options.cpuMs;
      this.#isolate.compileScriptSync(options.code, { filename: options.sourceName }).runSync(context, { timeout });
      const names = functionOf("start").applySync(undefined, [], { timeout }) as string;
      this.actions = JSON.parse(names) as string[];
    } catch (error) {
      const failure = describeLoadFailure(error);
      if (!this.#isolate.isDisposed) this.#isolate.dispose();
      throw new PluginLoadError(failure);
    }
  }

  call(callId: number, action: string, json: string, bytes: Bytes, context: string): void {
    this.#budgets.set(callId, this.#options.cpuMs);
    this.#enter(callId, this.#call, [callId, action, json, copyIn(bytes), context]);
  }

  settle(requestId: number, isOk: boolean, json: string, bytes: Bytes): void {
    const callId = this.#requests.get(requestId) ?? 0;
    this.#requests.delete(requestId);
    this.#enter(callId, this.#settle, [requestId, isOk, json, copyIn(bytes)]);
  }

  cancel(callId: number): void {
    this.#enter(callId, this.#cancel, [callId]);
  }

  [Symbol.dispose](): void {
    this.#isLost = true;
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    if (!this.#isolate.isDisposed) this.#isolate.dispose();
  }

  /** Runs the guest on behalf of a call and charges the call for it. */
  #enter(callId: number, target: GuestFunction, args: unknown[]): void {
    if (this.#isLost) return;
    const budget = this.#budgets.get(callId) ?? STRAY_CPU_MS;
    const before = process.threadCpuUsage();
    try {
      // The engine's timeout counts wall time, and a busy machine gives a plugin less than that in CPU time:
      // it is the outer bound, the charge below is what the plugin really used.
      target.applySync(undefined, args as never[], { timeout: Math.ceil(budget * 2) + 50 });
    } catch (error) {
      return this.#handleEscape(callId, error);
    }
    if (this.#budgets.has(callId)) {
      const { user, system } = process.threadCpuUsage(before);
      const left = budget - (user + system) / 1_000;
      if (left <= 0) return this.#lose("cpu");
      this.#budgets.set(callId, left);
    }
  }

  /** The guest library catches what plugins throw; what still arrives here is the engine speaking. */
  #handleEscape(callId: number, error: unknown): void {
    const message = error instanceof Error ? error.message : "";
    if (this.#isolate.isDisposed || message.includes("memory limit")) return this.#lose("memory");
    if (message === "Script execution timed out.") return this.#lose("cpu");
    if (!this.#budgets.delete(callId)) return;
    const name = error instanceof Error ? error.name : "Error";
    this.#port.failure(callId, JSON.stringify({ name, message, stack: "", code: "" }));
  }

  #lose(reason: LossReason): void {
    this[Symbol.dispose]();
    this.#port.lost(reason);
  }

  /** What the guest posts. The guest is hostile: every argument is looked at before it is used. */
  #hear([kind, id, head, json, bytes]: unknown[]): void {
    if (this.#isLost || typeof id !== "number" || typeof head !== "string" || typeof json !== "string") return;
    switch (kind) {
      case GuestSignal.result:
        if (this.#endCall(id)) this.#port.result(id, json, copyOut(bytes));
        return;
      case GuestSignal.failure:
        if (this.#endCall(id)) this.#port.failure(id, json);
        return;
      case GuestSignal.request: {
        const [callId, method] = JSON.parse(head) as [unknown, unknown];
        if (typeof callId !== "number" || typeof method !== "string") return;
        this.#requests.set(id, callId);
        return this.#port.request(id, callId, method, json, copyOut(bytes));
      }
      case GuestSignal.log:
        return this.#port.log(id, head, json);
      case GuestSignal.timer:
        this.#timers.set(
          id,
          setTimeout(() => this.#wake(id), Number(json) || 1),
        );
        return;
      case GuestSignal.clearTimer:
        clearTimeout(this.#timers.get(id));
        this.#timers.delete(id);
        return;
      default:
        return;
    }
  }

  #wake(timerId: number): void {
    this.#timers.delete(timerId);
    // A timer is charged to the call under way with the most left: it belongs to one of them.
    let payer = 0;
    for (const [callId, left] of this.#budgets) if (left >= (this.#budgets.get(payer) ?? 0)) payer = callId;
    this.#enter(payer, this.#fire, [timerId]);
  }

  /** With the last call its timers go: a plugin works within calls, not between them. */
  #endCall(callId: number): boolean {
    if (!this.#budgets.delete(callId)) return false;
    if (this.#budgets.size === 0) {
      for (const timer of this.#timers.values()) clearTimeout(timer);
      this.#timers.clear();
    }
    return true;
  }
}

const NO_BYTES: Bytes = [];

/** Byte sections for the guest; copied, so that no memory is ever shared. */
function copyIn(bytes: Bytes): unknown {
  // Most values have none, and an ExternalCopy costs as much as the rest of a small call.
  if (bytes.length === 0) return undefined;
  return new ivm.ExternalCopy(bytes.map((section) => section.slice())).copyInto({ release: true });
}

function copyOut(bytes: unknown): Bytes {
  return Array.isArray(bytes) ? bytes.filter((section) => section instanceof Uint8Array) : NO_BYTES;
}

function describeLoadFailure(error: unknown): string {
  const { name = "Error", message = "", stack = "" } = error instanceof Error ? error : {};
  // The part of the stack outside the isolate is ours and says nothing to the plugin's author.
  const guestStack = stack.split("\n    at (<isolated-vm boundary>)")[0] ?? "";
  return JSON.stringify({ name, message, stack: guestStack, code: "" });
}
