import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentOptions, CompartmentPort, Engine, LossReason } from "@berth/sandbox";
import { GuestSignal } from "@berth/guest";
import ivm from "isolated-vm";

import { GuestLibrary } from "./guest-isolate.ts";
import type { GuestFunction, GuestIsolate, IsolateSources } from "./guest-isolate.ts";
import { IsolateStock } from "./isolate-stock.ts";
import { CpuMeter } from "./node-cpu-meter.ts";

/** More than the guest library allows, so that only a plugin which tampered with it comes to this. */
const MAX_TIMERS = 1_024;

const NAME = "isolate";

type Bytes = readonly Uint8Array[];

/** V8 isolates through isolated-vm: one isolate for each compartment. */
export function makeIsolateEngine(sources: IsolateSources): Engine {
  const library = new GuestLibrary(sources);
  const openFrom =
    (stock: IsolateStock): Engine["open"] =>
    (options, port) =>
      new IsolateCompartment(stock, options, port);
  const stock = new IsolateStock(library);
  return {
    name: NAME,
    open: openFrom(stock),
    prepare: () => stock.prepare(),
    rehearsal: () => ({ name: NAME, open: openFrom(new IsolateStock(library)) }),
  };
}

/**
 * Every entry into the guest is synchronous and drains its microtasks, so an action that answers without
 * waiting costs one crossing and no thread hop. The process does nothing else meanwhile; it is the
 * supervisor's to kill.
 */
class IsolateCompartment implements Compartment {
  readonly actions: readonly string[];
  readonly #guest: GuestIsolate;
  readonly #port: CompartmentPort;
  readonly #options: CompartmentOptions;
  /** CPU time left for each call under way, milliseconds. */
  readonly #budgets = new Map<number, number>();
  /** What calls were given whose action has less than its plugin. */
  readonly #allotted = new Map<number, number>();
  readonly #requests = new Map<number, number>();
  readonly #timers = new Map<number, NodeJS.Timeout>();
  readonly #meter = new CpuMeter();
  /** What the guest posted in the entry under way. */
  #said: unknown[][] = [];
  #isLost = false;

  constructor(stock: IsolateStock, options: CompartmentOptions, port: CompartmentPort) {
    this.#options = options;
    this.#port = port;
    let guest: GuestIsolate | undefined;
    try {
      guest = stock.take(options.memoryMiB);
      guest.attach((said) => this.#hear(said));
      const timeout = options.cpuMs;
      guest.isolate
        .compileScriptSync(options.code, { filename: options.sourceName })
        .runSync(guest.context, { timeout });
      const names = guest.start.applySync(undefined, [], { timeout }) as string;
      this.#guest = guest;
      this.actions = JSON.parse(names) as string[];
    } catch (error) {
      const failure = describeLoadFailure(error);
      guest?.[Symbol.dispose]();
      throw new PluginLoadError(failure);
    }
  }

  call(callId: number, action: string, json: string, bytes: Bytes, context: string, cpuMs?: number): void {
    this.#allot(callId, cpuMs);
    this.#enter(callId, this.#guest.call, [callId, action, json, copyIn(bytes), context]);
  }

  stream(callId: number, action: string, json: string, bytes: Bytes, context: string, cpuMs?: number): void {
    this.#allot(callId, cpuMs);
    this.#enter(callId, this.#guest.stream, [callId, action, json, copyIn(bytes), context]);
  }

  pull(callId: number): void {
    this.#enter(callId, this.#guest.pull, [callId]);
  }

  #allot(callId: number, cpuMs: number | undefined): void {
    this.#budgets.set(callId, cpuMs ?? this.#options.cpuMs);
    if (cpuMs !== undefined) this.#allotted.set(callId, cpuMs);
  }

  settle(requestId: number, isOk: boolean, json: string, bytes: Bytes): void {
    const callId = this.#requests.get(requestId);
    this.#requests.delete(requestId);
    if (callId !== undefined) this.#enter(callId, this.#guest.settle, [requestId, isOk, json, copyIn(bytes)]);
  }

  cancel(callId: number): void {
    this.#enter(callId, this.#guest.cancel, [callId]);
  }

  [Symbol.dispose](): void {
    this.#isLost = true;
    this.#dropTimers();
    this.#guest[Symbol.dispose]();
  }

  /**
   * Runs the guest on behalf of a call under way and charges the call for it. What the guest posted is
   * delivered only afterwards: an entry that never returns says nothing, so the supervisor sees a busy and
   * silent process, and whoever waits for the call's answer waits until its work is over and paid for.
   */
  #enter(callId: number, target: GuestFunction, args: unknown[]): void {
    const budget = this.#budgets.get(callId);
    // Nothing runs on behalf of a call that has ended: nobody would pay for it, and nobody would watch it.
    if (this.#isLost || budget === undefined) return;
    const startedAt = this.#meter.start();
    let answer: unknown;
    let escaped: { readonly error: unknown } | undefined;
    try {
      // No `timeout`: isolated-vm keeps some 200 bytes for each until its time is up, also when the entry
      // returned at once, which at full speed adds up to hundreds of megabytes.
      answer = target.applySync(undefined, args as never[]);
    } catch (error) {
      escaped = { error };
    }
    const left = budget - this.#meter.usedMs(startedAt);
    if (left <= 0) return this.#lose("cpu");
    this.#budgets.set(callId, left);
    if (escaped !== undefined)
      this.#handleEscape(target === this.#guest.fire ? this.#onlyCall() : callId, escaped.error);
    if (typeof answer === "string") this.#succeed(callId, answer, NO_BYTES);
    this.#deliver();
  }

  /** The guest library catches what plugins throw; what still arrives here is the engine speaking. */
  #handleEscape(callId: number | undefined, error: unknown): void {
    const { name, message } =
      error instanceof Error ? error : { name: "Error", message: typeof error === "string" ? error : "" };
    if (this.#guest.isolate.isDisposed || message.includes("memory limit")) return this.#lose("memory");
    if (callId === undefined) return this.#port.log(0, "error", `in a timer, uncaught: ${name}: ${message}`);
    this.#fail(callId, JSON.stringify({ name, message, stack: "", code: "" }));
  }

  /** The call that a timer belongs to, when nobody need guess. */
  #onlyCall(): number | undefined {
    return this.#budgets.size === 1 ? this.#budgets.keys().next().value : undefined;
  }

  #lose(reason: LossReason): void {
    this.#said = [];
    this[Symbol.dispose]();
    this.#port.lost(reason);
  }

  /** Takes what the guest posts. */
  #hear(said: unknown[]): void {
    if (this.#isLost) return;
    const [kind, id, head, json] = said;
    // Lines leave at once, so that they are there when the entry never returns.
    if (kind !== GuestSignal.log && kind !== GuestSignal.progress) this.#said.push(said);
    else if (typeof id !== "number" || typeof head !== "string" || typeof json !== "string") return;
    else if (kind === GuestSignal.log) this.#port.log(id, head, json);
    else this.#port.progress(id, json);
  }

  #deliver(): void {
    if (this.#said.length === 0) return;
    const entry = this.#said;
    this.#said = [];
    for (const said of entry) if (!this.#isLost) this.#obey(said);
  }

  /** The guest is hostile: every argument is looked at before it is used. */
  #obey([kind, id, head, json, bytes]: unknown[]): void {
    if (typeof id !== "number" || typeof head !== "string" || typeof json !== "string") return;
    switch (kind) {
      case GuestSignal.result:
        return this.#succeed(id, json, copyOut(bytes));
      case GuestSignal.failure:
        return this.#fail(id, json);
      case GuestSignal.request: {
        const request = tryParseRequestHead(head);
        // Nobody would hear the answer for a call that has ended.
        if (request === undefined || !this.#budgets.has(request.callId)) return;
        this.#requests.set(id, request.callId);
        return this.#port.request(id, request.callId, request.method, json, copyOut(bytes));
      }
      case GuestSignal.item:
        if (this.#budgets.has(id)) this.#port.item(id, json, copyOut(bytes));
        return;
      case GuestSignal.timer:
        return this.#setTimer(id, Number(json) || 1);
      case GuestSignal.clearTimer:
        clearTimeout(this.#timers.get(id));
        this.#timers.delete(id);
        return;
      default:
        return;
    }
  }

  #setTimer(timerId: number, delayMs: number): void {
    // A plugin works within calls, not before, between or after them.
    if (this.#budgets.size === 0 || this.#timers.size >= MAX_TIMERS) return;
    clearTimeout(this.#timers.get(timerId));
    this.#timers.set(
      timerId,
      setTimeout(() => this.#wake(timerId), delayMs),
    );
  }

  #wake(timerId: number): void {
    this.#timers.delete(timerId);
    this.#port.entering();
    // A timer is charged to the call under way with the most left: it belongs to one of them.
    let payer = 0;
    for (const [callId, left] of this.#budgets) if (left >= (this.#budgets.get(payer) ?? 0)) payer = callId;
    this.#enter(payer, this.#guest.fire, [timerId]);
  }

  #succeed(callId: number, json: string, bytes: Bytes): void {
    const cpuMs = this.#endCall(callId);
    if (cpuMs !== undefined) this.#port.result(callId, json, bytes, cpuMs);
  }

  #fail(callId: number, failure: string): void {
    const cpuMs = this.#endCall(callId);
    if (cpuMs !== undefined) this.#port.failure(callId, failure, cpuMs);
  }

  /** Answers with the CPU time that the call was charged, if it was under way. */
  #endCall(callId: number): number | undefined {
    const left = this.#budgets.get(callId);
    if (left === undefined) return undefined;
    this.#budgets.delete(callId);
    if (this.#budgets.size === 0) this.#dropTimers();
    if (this.#allotted.size === 0) return this.#options.cpuMs - left;
    const allotted = this.#allotted.get(callId) ?? this.#options.cpuMs;
    this.#allotted.delete(callId);
    return allotted - left;
  }

  #dropTimers(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
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

function tryParseRequestHead(head: string): { callId: number; method: string } | undefined {
  let said: unknown;
  try {
    said = JSON.parse(head);
  } catch {
    return undefined; // Not what the guest library writes: there is no request in it.
  }
  const [callId, method] = Array.isArray(said) ? (said as unknown[]) : [];
  return typeof callId === "number" && typeof method === "string" ? { callId, method } : undefined;
}

function describeLoadFailure(error: unknown): string {
  const { name = "Error", message = "", stack = "" } = error instanceof Error ? error : {};
  // The part of the stack outside the isolate is ours and says nothing to the plugin's author.
  const guestStack = stack.split("\n    at (<isolated-vm boundary>)")[0] ?? "";
  return JSON.stringify({ name, message, stack: guestStack, code: "" });
}
