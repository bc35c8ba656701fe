import { reportOf } from "@berth/base";
import { encodeValue } from "@berth/wire";
import type { Message, WireValue } from "@berth/wire";

import type { CallContext, CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import type { LossReason } from "./engine.ts";
import type { SandboxError } from "./errors.ts";
import type { EndReason, Sandbox } from "./node-sandbox.ts";
import { busy, cancelled, lossError, pluginThrew } from "./outcome.ts";
import { parsePluginFailure } from "./plugin-failure.ts";
import { LogGate } from "./log-gate.ts";
import { FromSandbox, ToSandbox } from "./protocol.ts";
import type { LoadHead } from "./protocol.ts";
import { MAX_REQUESTS_UNDER_WAY } from "./request-window.ts";
import { parseCpuMs, parseLoss, tryParseLog, tryParseRequest, tryParseWords } from "./sandbox-message.ts";
import type { RequestMessage } from "./sandbox-message.ts";
import { UsageWatch } from "./usage-watch.ts";

const TICK_MS = 10;
/** Memory and CPU time are read at every n-th tick: reading them costs more than the tick. */
const USAGE_TICKS = 3;
/** What a process may grow by beyond its plugins' own memory: values under way, compiled code. */
const PROCESS_SLACK_BYTES = 128 * 1_048_576;
/** What an engine may keep for one compartment besides, such as long strings that wait to be collected. */
const COMPARTMENT_SLACK_BYTES = 128 * 1_048_576;
/**
 * What a silent process may use beyond the CPU time of the call or load that may: the engine, which charges
 * exactly, speaks first, and its own threads (collector, compiler) count here as well.
 */
const SILENT_SHARE = 1.5;
const SILENT_SLACK_MS = 200;
/** How often a process without work is looked at, and what it may use from one look to the next. */
const IDLE_TICK_MS = 2_000;
const IDLE_CPU_MS = 400;
/** Bytes that a process has not read. Beyond the first it gets no more calls; the second it comes to by never reading. */
const MAX_UNREAD_BYTES = 128 * 1_048_576;
const MAX_UNREAD_ANSWER_BYTES = 2 * MAX_UNREAD_BYTES;
/** More than a sandbox host lets pass: only one that was taken over comes to this. */
const MAX_LINES_PER_SECOND = 2_000;
/** How long a plugin may go on with a call that was cancelled. */
const CANCEL_GRACE_MS = 50;

interface PendingCall {
  readonly compartment: CompartmentPlan;
  readonly context: CallContext;
  readonly startedAt: number;
  readonly deadlineAt: number;
  readonly onUsage: SandboxCall["onUsage"];
  readonly resolve: (value: WireValue) => void;
  readonly reject: (error: SandboxError) => void;
  readonly stopListening: (() => void) | undefined;
}

interface Loaded {
  readonly id: number;
  readonly compartment: CompartmentPlan;
  readonly whenLoaded: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: SandboxError) => void;
  readonly logGate: LogGate;
  isReady: boolean;
  requestsUnderWay: number;
}

/** One process in service. */
export class Running {
  readonly #sandbox: Promise<Sandbox>;
  #attached: Sandbox | undefined;
  readonly #onEnd: (reason: EndReason, lastWords: string) => void;
  readonly #loaded = new Map<CompartmentPlan, Loaded>();
  readonly #byId = new Map<number, Loaded>();
  readonly #calls = new Map<number, PendingCall>();
  /** Calls whose caller has left, until the plugin ends them or is unloaded. */
  readonly #cancelled = new Set<number>();
  /** Answers that may still come for calls which nobody waits for any more. */
  #lateAnswers = 0;
  #nextCompartment = 1;
  #nextCall = 1;
  #ticker: NodeJS.Timeout | undefined;
  #isTickerIdle = false;
  #ticks = 0;
  #watch = new UsageWatch();
  #hasEnded = false;
  /** The call that made us end the process: the others in it are innocent. */
  #culprit: PendingCall | undefined;

  constructor(start: () => Promise<Sandbox>, waitMs: number, onEnd: (reason: EndReason, lastWords: string) => void) {
    this.#onEnd = onEnd;
    this.#sandbox = this.#begin(start, waitMs);
    this.#sandbox.catch(() => undefined); // Every caller awaits `load`, which reports it.
  }

  async #begin(start: () => Promise<Sandbox>, waitMs: number): Promise<Sandbox> {
    if (waitMs > 0) await new Promise((resolve) => void setTimeout(resolve, waitMs));
    if (this.#hasEnded) throw lossError("load", "closed");
    let sandbox: Sandbox;
    try {
      sandbox = await start();
    } catch (error) {
      this.#ended("closed", ""); // Nothing was started, so nothing was lost; the next call tries again.
      throw error;
    }
    // The end may have come while it was started.
    if (this.#hasEnded) {
      sandbox.end("closed");
      throw lossError("load", "closed");
    }
    this.#attached = sandbox;
    sandbox.attach({
      message: (message) => this.#take(message),
      ended: (reason, lastWords) => this.#ended(reason, lastWords),
    });
    try {
      await sandbox.ready;
    } catch (error) {
      this.#ended("crashed", "");
      throw error;
    }
    return sandbox;
  }

  isLoaded(compartment: CompartmentPlan): boolean {
    return this.#loaded.get(compartment)?.isReady === true;
  }

  async load(compartment: CompartmentPlan): Promise<void> {
    const sandbox = await this.#sandbox;
    if (this.#hasEnded) throw lossError("load", "crashed");
    let entry = this.#loaded.get(compartment);
    if (entry === undefined) {
      const id = this.#nextCompartment;
      this.#nextCompartment += 1;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const logGate = new LogGate(MAX_LINES_PER_SECOND);
      entry = { id, compartment, whenLoaded: promise, resolve, reject, logGate, isReady: false, requestsUnderWay: 0 };
      this.#loaded.set(compartment, entry);
      this.#byId.set(id, entry);
      this.#watchClosely();
      const { code, sourceName, limits } = compartment;
      sandbox.allowMemory(this.#allowedBytes());
      const head: LoadHead = { sourceName, memoryMiB: limits.memoryMiB, cpuMs: limits.cpuMs };
      sandbox.send({
        type: ToSandbox.load,
        id,
        head: JSON.stringify(head),
        value: { json: Buffer.from("null"), bytes: [code] },
      });
      // Loading runs foreign code, so it has a deadline of its own: a native loop ignores the engine's.
      const timer = setTimeout(() => sandbox.end("deadline"), limits.wallMs);
      void promise.then(
        () => clearTimeout(timer),
        () => clearTimeout(timer),
      );
    }
    await entry.whenLoaded;
  }

  call(
    compartment: CompartmentPlan,
    { action, input, caller, about, signal, onUsage }: SandboxCall,
  ): Promise<WireValue> {
    const entry = this.#loaded.get(compartment);
    const sandbox = this.#attached;
    if (this.#hasEnded || entry === undefined || sandbox === undefined)
      return Promise.reject(lossError(action, "crashed"));
    if (sandbox.unreadBytes > MAX_UNREAD_BYTES) return Promise.reject(busy(action, sandbox.unreadBytes));
    return new Promise((resolve, reject) => {
      const id = this.#takeCallId();
      const startedAt = performance.now();
      this.#calls.set(id, {
        compartment,
        context: { action, caller },
        startedAt,
        deadlineAt: startedAt + compartment.limits.wallMs,
        onUsage,
        resolve,
        reject,
        stopListening: signal && listenForAbort(signal, () => this.#cancel(id)),
      });
      if (this.#calls.size === 1) this.#watch.noteProgress(); // What the process did before is not this call's.
      this.#watchClosely();
      try {
        sandbox.send({ type: ToSandbox.call, id, head: JSON.stringify([entry.id, action, about]), value: input });
      } catch (error) {
        this.#settle(id)?.reject(error as SandboxError); // WIRE_VALUE_TOO_LARGE
      }
    });
  }

  #takeCallId(): number {
    do this.#nextCall = (this.#nextCall % 0xffff_ffff) + 1;
    while (this.#calls.has(this.#nextCall));
    return this.#nextCall;
  }

  /** The caller is free at once; the plugin gets the signal, and its late answer is dropped. */
  #cancel(id: number): void {
    this.#attached?.send({ type: ToSandbox.cancel, id, head: "" });
    const call = this.#settle(id);
    call?.reject(cancelled(call.context.action));
    if (call === undefined) return;
    this.#lateAnswers += 1;
    this.#cancelled.add(id);
    const entry = this.#loaded.get(call.compartment);
    // A plugin that goes on computing for nobody is unloaded; not one that was loaded anew since.
    setTimeout(() => {
      if (!this.#cancelled.delete(id) || this.#loaded.get(call.compartment) !== entry) return;
      const isBusyElsewhere = [...this.#calls.values()].some(({ compartment }) => compartment === call.compartment);
      if (!isBusyElsewhere) this.unload(call.compartment);
    }, CANCEL_GRACE_MS).unref();
  }

  unload(compartment: CompartmentPlan): void {
    const entry = this.#loaded.get(compartment);
    if (entry === undefined) return;
    this.#forget(compartment, "closed");
    this.#attached?.send({ type: ToSandbox.unload, id: entry.id, head: "" });
    // An empty process has nothing to keep; ending it also ends a guest that never returned.
    if (this.#loaded.size === 0) this.end("closed");
  }

  end(reason: EndReason): void {
    if (this.#attached === undefined) this.#ended(reason, "");
    else this.#attached.end(reason);
    if (reason === "closed") this.#ended(reason, "");
  }

  #settle(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    call.stopListening?.();
    return call;
  }

  #watchClosely(): void {
    if (this.#ticker !== undefined && !this.#isTickerIdle) return;
    clearInterval(this.#ticker);
    this.#isTickerIdle = false;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  /** A process without work is looked at too: it may have been taken over, and nothing else would notice. */
  #watchNowAndThen(): void {
    clearInterval(this.#ticker);
    this.#isTickerIdle = true;
    this.#watch = new UsageWatch();
    this.#ticker = setInterval(() => {
      // Every other tick begins a new span, at whose end the CPU time used in it is looked at.
      this.#ticks += 1;
      if (this.#ticks % 2 === 0) this.#watch.noteProgress();
      this.#watchUsage(IDLE_CPU_MS);
    }, IDLE_TICK_MS).unref();
  }

  #tick(): void {
    const loading = [...this.#loaded.values()].filter(({ isReady }) => !isReady);
    if (this.#calls.size === 0 && loading.length === 0) return this.#watchNowAndThen();
    const now = performance.now();
    for (const call of this.#calls.values()) {
      if (call.deadlineAt > now) continue;
      this.#culprit = call;
      return this.end("deadline");
    }
    this.#ticks += 1;
    if (this.#ticks % USAGE_TICKS !== 0) return;
    let cpuMs = 0;
    for (const { compartment } of [...this.#calls.values(), ...loading])
      cpuMs = Math.max(cpuMs, compartment.limits.cpuMs);
    this.#watchUsage(SILENT_SHARE * cpuMs + SILENT_SLACK_MS);
  }

  /** What plugins may make the process grow by. */
  #allowedBytes(): number {
    let bytes = PROCESS_SLACK_BYTES;
    for (const { limits } of this.#loaded.keys()) bytes += limits.memoryMiB * 1_048_576 + COMPARTMENT_SLACK_BYTES;
    return bytes;
  }

  #watchUsage(cpuMs: number): void {
    if (this.#attached === undefined) return;
    const reason = this.#watch.check(this.#attached.usage(), { bytes: this.#allowedBytes(), cpuMs });
    if (reason !== undefined) this.end(reason);
  }

  #take(message: Message): void {
    const { type, id, value } = message;
    // Lines of a log are no progress: they leave while an entry goes on. Nor is what an idle process says.
    if (type !== FromSandbox.log && !this.#isTickerIdle) this.#watch.noteProgress();
    switch (type) {
      case FromSandbox.result:
        return value === undefined ? this.end("protocol") : this.#endCall(message)?.resolve(value);
      case FromSandbox.failure: {
        const words = tryParseWords(value);
        if (words === undefined) return this.end("protocol");
        const call = this.#endCall(message);
        const failure = parsePluginFailure(words);
        return call?.reject(pluginThrew("SANDBOX_PLUGIN_THREW", `the action ${call.context.action} failed`, failure));
      }
      case FromSandbox.request:
        return this.#takeRequest(message);
      case FromSandbox.log:
        return this.#takeLog(message);
      case FromSandbox.loaded: {
        const entry = this.#byId.get(id);
        if (entry === undefined) return;
        entry.isReady = true;
        return entry.resolve();
      }
      case FromSandbox.loadFailed: {
        const entry = this.#byId.get(id);
        const words = tryParseWords(value);
        if (words === undefined) return this.end("protocol");
        if (entry === undefined) return;
        const failure = parsePluginFailure(words);
        entry.reject(pluginThrew("SANDBOX_LOAD_FAILED", "the plugin's code could not be loaded", failure));
        return this.unload(entry.compartment);
      }
      case FromSandbox.lost: {
        const entry = this.#byId.get(id);
        if (entry !== undefined) this.#forget(entry.compartment, parseLoss(message.head));
        if (this.#loaded.size === 0) this.end("closed");
        return;
      }
      default:
        return this.end("protocol");
    }
  }

  /** The call that was answered. An answer to no call is late, if calls were given up, or invented. */
  #endCall({ id, head }: Message): PendingCall | undefined {
    const call = this.#settle(id);
    if (call !== undefined) {
      call.onUsage?.({ cpuMs: parseCpuMs(head, performance.now() - call.startedAt) });
      return call;
    }
    this.#cancelled.delete(id);
    this.#lateAnswers -= 1;
    if (this.#lateAnswers < 0) this.end("protocol");
    return undefined;
  }

  #takeRequest(message: Message): void {
    const request = tryParseRequest(message);
    if (request === undefined) return this.end("protocol");
    const entry = this.#byId.get(request.compartmentId);
    const call = this.#calls.get(request.callId);
    // A request must belong to a call under way in the compartment that it came from.
    if (entry === undefined || call === undefined || entry.compartment !== call.compartment) {
      return this.#answer(message.id, ToSandbox.refusal, {
        code: "SANDBOX_CLOSED",
        message: "the call that asks has already ended",
      });
    }
    if (entry.requestsUnderWay >= MAX_REQUESTS_UNDER_WAY) return this.end("protocol");
    void this.#serve(message.id, request, entry, call.context);
  }

  async #serve(id: number, request: RequestMessage, entry: Loaded, call: CallContext): Promise<void> {
    const { method, value } = request;
    let answer: unknown;
    let type: number = ToSandbox.answer;
    entry.requestsUnderWay += 1;
    try {
      answer = (await entry.compartment.onRequest({ call, method, value })) ?? null;
    } catch (error) {
      type = ToSandbox.refusal;
      answer = reportOf(error);
    }
    entry.requestsUnderWay -= 1;
    this.#answer(id, type, answer);
  }

  #answer(id: number, type: number, value: unknown): void {
    const sandbox = this.#attached;
    if (sandbox === undefined) return;
    if (sandbox.unreadBytes > MAX_UNREAD_ANSWER_BYTES) return this.end("protocol");
    try {
      sandbox.send({ type, id, head: "", value: encodeValue(value) });
    } catch (error) {
      sandbox.send({ type: ToSandbox.refusal, id, head: "", value: encodeValue(reportOf(error)) });
    }
  }

  #takeLog(message: Message): void {
    const line = tryParseLog(message);
    if (line === undefined) return this.end("protocol");
    const entry = this.#byId.get(line.compartmentId);
    if (entry?.logGate.admit(performance.now()).passes !== true) return;
    const call = this.#calls.get(message.id);
    const action = call?.compartment === entry.compartment ? call.context.action : undefined;
    entry.compartment.onLog({ level: line.level, text: line.text, action });
  }

  /** A compartment is gone: its calls fail, its next call loads it anew. */
  #forget(compartment: CompartmentPlan, reason: EndReason | LossReason): void {
    const entry = this.#loaded.get(compartment);
    if (entry === undefined) return;
    this.#loaded.delete(compartment);
    this.#byId.delete(entry.id);
    entry.reject(lossError("load", reason));
    for (const [id, call] of this.#calls) {
      if (call.compartment !== compartment) continue;
      this.#lateAnswers += 1;
      this.#settle(id)?.reject(lossError(call.context.action, reason));
    }
  }

  #ended(reason: EndReason, lastWords: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    clearInterval(this.#ticker);
    for (const [id, call] of this.#calls) {
      const isCulprit = this.#culprit === undefined || this.#culprit === call;
      this.#settle(id)?.reject(lossError(call.context.action, reason, isCulprit));
    }
    for (const { reject } of this.#byId.values()) reject(lossError("load", reason));
    this.#loaded.clear();
    this.#byId.clear();
    this.#onEnd(reason, lastWords);
  }
}

/** Answers with what stops the listening. */
export function listenForAbort(signal: AbortSignal, onAbort: () => void): () => void {
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}
