import type { Message, WireValue } from "@berth/wire";

import { allowedBytes, allowedSilentMs } from "./allowance.ts";
import type { CompartmentPlan, SandboxCall } from "./compartment-plan.ts";
import type { LossReason } from "./engine.ts";
import type { SandboxError } from "./errors.ts";
import { inputBytesOf, verifyRoom } from "./input-room.ts";
import { Leaving } from "./leaving.ts";
import { LoadedCompartment } from "./loaded-compartment.ts";
import { isCrash } from "./loss.ts";
import type { Loss } from "./loss.ts";
import { BrokerDoor } from "./node-broker-door.ts";
import { ProcessWatch } from "./node-process-watch.ts";
import type { EndReason, Sandbox } from "./node-sandbox.ts";
import { cancelled, lossError, outwaited, pluginThrew } from "./outcome.ts";
import { PendingCalls } from "./pending-calls.ts";
import type { PendingCall } from "./pending-calls.ts";
import type { ProcessState } from "./process-state.ts";
import { parsePluginFailure } from "./plugin-failure.ts";
import { FromSandbox, ToSandbox } from "./protocol.ts";
import type { CallExtras, LoadHead } from "./protocol.ts";
import { MAX_ITEM_BYTES, StreamWindow } from "./stream-window.ts";
import {
  isProgressSized,
  parseCpuMs,
  parseLoss,
  tryParseLog,
  tryParseProgressMessage,
  tryParseRequest,
  tryParseWords,
} from "./sandbox-message.ts";

/** How long a plugin may go on with a call that was cancelled. */
const CANCEL_GRACE_MS = 50;
/** How long a stream that was left may take to end: its generator has work of its own to do then. */
export const STREAM_GRACE_MS = 1_000;

/** One process in service. */
export class Running {
  readonly #sandbox: Promise<Sandbox>;
  #attached: Sandbox | undefined;
  readonly #onEnd: (loss: Loss) => void;
  readonly #loaded = new Map<CompartmentPlan, LoadedCompartment>();
  readonly #byId = new Map<number, LoadedCompartment>();
  readonly #leaving = new Leaving();
  readonly #calls = new PendingCalls();
  readonly #watch: ProcessWatch;
  readonly #door: BrokerDoor;
  /** Plugins whose code was ever in the process. */
  readonly #plugins = new Set<string>();
  /** The most that it was ever allowed: freed memory does not return to the system at once. */
  #allowedBytes = 0;
  #lastCompartment = 0;
  /** The compartment that the process says it entered last. It may lie, so nobody is convicted by it. */
  #entered = 0;
  #hasEnded = false;
  #wasClosed = false;
  /** What made us end the process: everything else in it is innocent. Without one, nobody knows. */
  #culprit: PendingCall | LoadedCompartment | undefined;

  constructor(start: () => Promise<Sandbox>, waitMs: number, onEnd: (loss: Loss) => void) {
    this.#onEnd = onEnd;
    this.#watch = new ProcessWatch({
      isBusy: () => this.#calls.size > 0 || this.#leaving.size > 0 || this.#loading().length > 0,
      lookAtTime: (now) => this.#lookAtTime(now),
      usage: () => this.#attached?.usage(),
      allowance: () => ({ bytes: this.#allowedBytes, cpuMs: allowedSilentMs(this.#cpuMsAtWork()) }),
      overdrew: (reason) => this.#overdrew(reason),
      used: ({ grownBytes }) => this.#tellMemory(grownBytes),
    });
    this.#door = new BrokerDoor(
      () => this.#attached,
      () => this.end("protocol"),
    );
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
      // Ended by us, because nobody needs it any more: that is no failure of the machine.
      if (this.#wasClosed) throw lossError("load", "closed");
      this.#ended("crashed", "");
      throw error;
    }
    return sandbox;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /**
   * Waits until the process has let go of what it was told to unload, or has ended because it did not: what is
   * loaded before that might end with it.
   */
  whenSettled(): Promise<void> {
    return this.#leaving.whenEmpty();
  }

  /** Whether plugins may still be at work for callers who left. */
  get worksForNobody(): boolean {
    return this.#calls.areSomeAbandoned;
  }

  isLoaded(plan: CompartmentPlan): boolean {
    return this.#loaded.get(plan)?.isReady === true;
  }

  /**
   * Calls of a compartment that were sent and that the plugin has not begun, as far as the process has told. Of the
   * compartment that is inside now one has: it says so only when it comes out.
   */
  waitingOf(plan: CompartmentPlan): number {
    const entry = this.#loaded.get(plan);
    if (entry === undefined) return 0;
    return Math.max(entry.callsUnbegun - (entry.id === this.#entered ? 1 : 0), 0);
  }

  /** What it is now; `undefined` until the process is there. */
  state(): ProcessState | undefined {
    const sandbox = this.#attached;
    // 0: it is not known yet.
    if (sandbox === undefined || sandbox.pid === 0) return undefined;
    return {
      pid: sandbox.pid,
      plugins: new Set([...this.#loaded.keys()].map(({ plugin }) => plugin)),
      wasShared: this.#plugins.size > 1,
      callsUnderWay: this.#calls.size,
      ...sandbox.memory(),
    };
  }

  async load(plan: CompartmentPlan): Promise<void> {
    const sandbox = await this.#sandbox;
    if (this.#hasEnded) throw lossError("load", this.#wasClosed ? "closed" : "crashed");
    await (this.#loaded.get(plan) ?? this.#beginLoading(plan, sandbox)).whenLoaded;
  }

  #beginLoading(plan: CompartmentPlan, sandbox: Sandbox): LoadedCompartment {
    this.#lastCompartment += 1;
    const entry = new LoadedCompartment(this.#lastCompartment, plan, performance.now());
    this.#loaded.set(plan, entry);
    this.#byId.set(entry.id, entry);
    this.#plugins.add(plan.plugin);
    this.#watch.watchClosely();
    this.#allowedBytes = Math.max(this.#allowedBytes, allowedBytes(this.#loaded.keys()));
    sandbox.allowMemory(this.#allowedBytes);
    const { code, sourceName, limits } = plan;
    const head: LoadHead = { sourceName, memoryMiB: limits.memoryMiB, cpuMs: limits.cpuMs };
    const value = { json: Buffer.from("null"), bytes: [code] };
    try {
      sandbox.send({ type: ToSandbox.load, id: entry.id, head: JSON.stringify(head), value });
    } catch (error) {
      // WIRE_VALUE_TOO_LARGE: nothing of it reached the process, so nothing is waited for.
      this.#loaded.delete(plan);
      this.#byId.delete(entry.id);
      throw error;
    }
    return entry;
  }

  call(plan: CompartmentPlan, call: SandboxCall): Promise<WireValue> {
    const { action, input, caller, about, signal, onUsage, onEnter, onProgress, items } = call;
    const entry = this.#loaded.get(plan);
    const sandbox = this.#attached;
    if (this.#hasEnded || entry === undefined || sandbox === undefined)
      return Promise.reject(lossError(action, "crashed"));
    const inputBytes = inputBytesOf(input);
    const refusal = verifyRoom(action, inputBytes, entry.inputBytes, sandbox.unreadBytes);
    if (refusal !== undefined) return Promise.reject(refusal);
    return new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const itemMs = call.wallMs ?? plan.limits.wallMs;
      const endsAt = call.deadlineAt ?? Number.POSITIVE_INFINITY;
      const id = this.#calls.add((newId) => ({
        id: newId,
        compartment: entry,
        context: { action, caller },
        inputBytes,
        cpuMs: call.cpuMs ?? plan.limits.cpuMs,
        startedAt,
        deadlineAt: Math.min(startedAt + itemMs, endsAt),
        hasBegun: false,
        resolve,
        reject,
        stopListening: signal && listenForAbort(signal, () => this.#giveUp(newId, cancelled(action))),
        onUsage,
        onProgress,
        stream: items && { items, window: new StreamWindow(), itemMs, endsAt },
      }));
      if (this.#calls.size === 1) this.#watch.begin();
      this.#watch.watchClosely();
      items?.begin(() => this.#itemTaken(id));
      const extras = extrasOf(call);
      const head = extras === undefined ? [entry.id, action, about] : [entry.id, action, about, extras];
      try {
        onEnter?.(entry.instance);
        sandbox.send({ type: ToSandbox.call, id, head: JSON.stringify(head), value: input });
      } catch (error) {
        this.#calls.settle(id)?.reject(error as SandboxError); // WIRE_VALUE_TOO_LARGE
      }
    });
  }

  /** The caller is free at once; the plugin gets the signal, and its late answer is dropped. */
  #giveUp(id: number, error: SandboxError): void {
    this.#attached?.send({ type: ToSandbox.cancel, id, head: "" });
    const call = this.#calls.abandon(id);
    if (call === undefined) return;
    call.reject(error);
    const graceMs = call.stream === undefined ? CANCEL_GRACE_MS : STREAM_GRACE_MS;
    // A plugin that goes on computing for nobody is unloaded.
    setTimeout(() => {
      if (!this.#calls.endAbandoned(id) || this.#calls.isWaitedFor(call.compartment)) return;
      if (this.#byId.get(call.compartment.id) !== call.compartment) return;
      this.#forget(call.compartment, "closed");
      this.#leave(call.compartment, true);
    }, graceMs).unref();
  }

  unload(plan: CompartmentPlan): void {
    const entry = this.#loaded.get(plan);
    if (entry === undefined) return;
    const wasAtWork = this.#atWork().has(entry);
    this.#forget(entry, "closed");
    this.#leave(entry, wasAtWork);
  }

  /** Makes the process let go of a compartment that was forgotten here. */
  #leave(entry: LoadedCompartment, wasAtWork: boolean): void {
    // An empty process has nothing to keep; ending it also ends a guest that never returned.
    if (this.#loaded.size === 0) return this.end("closed");
    this.#leaving.ask(entry, performance.now(), this.#attached?.usage().cpuMs, wasAtWork);
    this.#attached?.send({ type: ToSandbox.unload, id: entry.id, head: "" });
    this.#watch.watchClosely();
  }

  end(reason: EndReason): void {
    if (this.#attached === undefined) this.#ended(reason, "");
    else this.#attached.end(reason);
    if (reason === "closed") this.#ended(reason, "");
  }

  #loading(): LoadedCompartment[] {
    return [...this.#loaded.values()].filter(({ isReady }) => !isReady);
  }

  #atWork(): Set<LoadedCompartment> {
    return new Set([...this.#calls.compartmentsAtWork(), ...this.#loading()]);
  }

  /** The compartment that is inside its engine now, as far as the process tells the truth. */
  #inside(): LoadedCompartment | undefined {
    const entered = this.#byId.get(this.#entered);
    return entered !== undefined && this.#atWork().has(entered) ? entered : this.#leaving.get(this.#entered);
  }

  /** CPU time that whoever may be at work may use. Loading, and work for nobody, is the plugin's. */
  #cpuMsAtWork(): number[] {
    const inside = this.#inside();
    return [...(inside === undefined ? this.#atWork() : [inside])].map((entry) =>
      entry.isReady ? this.#calls.mostCpuMsOf(entry) || entry.plan.limits.cpuMs : entry.plan.limits.cpuMs,
    );
  }

  #lookAtTime(now: number): void {
    for (const entry of this.#loading()) if (entry.deadlineAt <= now) this.#overstayed(entry, undefined);
    for (const call of this.#calls.values()) if (call.deadlineAt <= now) this.#overstayed(call.compartment, call);
    if (this.#leaving.size === 0 || this.#hasEnded) return;
    const inside = this.#inside();
    // Another one is at work within its own limits, and this one's turn comes after it.
    if (inside !== undefined && this.#byId.has(inside.id)) return;
    if (!this.#leaving.isHeld(now, () => this.#attached?.usage().cpuMs)) return;
    this.#culprit = inside ?? this.#leaving.compartments()[0];
    this.end("deadline");
  }

  #overstayed(entry: LoadedCompartment, call: PendingCall | undefined): void {
    if (this.#hasEnded) return;
    if (this.#loaded.size === 1) {
      this.#culprit = call ?? entry;
      return this.end("deadline");
    }
    const inside = this.#inside();
    const hasWaited = inside !== undefined && inside !== entry && this.#byId.has(inside.id);
    if (hasWaited && call !== undefined) return this.#giveUp(call.id, outwaited(call.context.action));
    // Its neighbours go on, unless it is inside and does not come out again.
    this.#forget(entry, "deadline", call);
    this.#leave(entry, true);
  }

  /** Of a process with several plugins nobody can say whose memory it is. */
  #tellMemory(grownBytes: number | undefined): void {
    if (grownBytes === undefined || this.#plugins.size !== 1) return;
    const [plan] = this.#loaded.keys();
    plan?.onMemory?.(Math.max(grownBytes, 0));
  }

  #overdrew(reason: "memory" | "cpu"): void {
    if (reason === "cpu") this.#culprit = this.#inside();
    this.end(reason);
  }

  #take(message: Message): void {
    const { type, id, value } = message;
    switch (type) {
      case FromSandbox.log:
        // Lines of a log are no progress: they leave while an entry goes on.
        return this.#takeLog(message);
      case FromSandbox.progress:
        // Nor is this, whatever it is called: it too leaves while an entry goes on.
        return this.#takeProgress(message);
      case FromSandbox.entered:
        this.#entered = id;
        return;
      default:
        this.#watch.noteProgress();
    }
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
      case FromSandbox.item:
        return this.#takeItem(message);
      case FromSandbox.begun:
        return this.#takeBegun(id);
      case FromSandbox.request:
        return this.#takeRequest(message);
      case FromSandbox.loaded:
        return this.#byId.get(id)?.finishLoading();
      case FromSandbox.loadFailed: {
        const entry = this.#byId.get(id);
        const words = tryParseWords(value);
        if (words === undefined) return this.end("protocol");
        if (entry === undefined) return;
        const failure = parsePluginFailure(words);
        entry.failLoading(pluginThrew("SANDBOX_LOAD_FAILED", "the plugin's code could not be loaded", failure));
        return this.unload(entry.plan);
      }
      case FromSandbox.unloaded:
        return this.#leaving.confirm(id) ? undefined : this.end("protocol");
      case FromSandbox.lost: {
        const entry = this.#byId.get(id);
        if (entry !== undefined) this.#forget(entry, parseLoss(message.head));
        if (this.#loaded.size === 0) this.end("closed");
        return;
      }
      default:
        return this.end("protocol");
    }
  }

  #endCall({ id, head }: Message): PendingCall | undefined {
    const call = this.#calls.answered(id);
    if (call === "invented") this.end("protocol");
    if (typeof call === "string") return undefined;
    call.onUsage?.({ cpuMs: parseCpuMs(head, performance.now() - call.startedAt) });
    return call;
  }

  #takeRequest(message: Message): void {
    const request = tryParseRequest(message);
    if (request === undefined) return this.end("protocol");
    const entry = this.#byId.get(request.compartmentId);
    const call = this.#calls.get(request.callId);
    // A request must belong to a call under way in the compartment that it came from.
    if (entry === undefined || entry !== call?.compartment) return this.#door.refuse(message);
    this.#calls.begin(call);
    void this.#door.serve(message.id, request, entry, call.context);
  }

  #takeLog(message: Message): void {
    const line = tryParseLog(message);
    if (line === undefined) return this.end("protocol");
    const entry = this.#byId.get(line.compartmentId);
    if (entry?.logGate.admit(performance.now()).passes !== true) return;
    const call = this.#calls.get(message.id);
    const action = call?.compartment === entry ? call.context.action : undefined;
    entry.plan.onLog({ level: line.level, text: line.text, action }, entry.instance);
  }

  /** Of a call that has ended it may be late; of one that did not ask for it, it is invented. */
  #takeProgress(message: Message): void {
    const call = this.#calls.get(message.id);
    if (call === undefined) return this.#calls.areSomeLate ? undefined : this.end("protocol");
    const { onProgress, compartment } = call;
    if (onProgress === undefined || !isProgressSized(message)) return this.end("protocol");
    // More of it than our sandbox hosts send is not even read.
    if (!compartment.progressGate.admit(performance.now()).passes) return;
    const progress = tryParseProgressMessage(message);
    if (progress === undefined) return this.end("protocol");
    // What the listener throws is its own, and must not end up in the middle of a read.
    queueMicrotask(() => onProgress(progress));
  }

  /** Believed: a process that lies about it makes a queue look longer or shorter, and nothing else. */
  #takeBegun(id: number): void {
    const call = this.#calls.get(id);
    if (call !== undefined) this.#calls.begin(call);
    else if (!this.#calls.areSomeLate) this.end("protocol");
  }

  #takeItem({ id, value }: Message): void {
    const call = this.#calls.get(id);
    if (call === undefined) return this.#calls.areSomeLate ? undefined : this.end("protocol");
    const size = value === undefined ? Number.POSITIVE_INFINITY : inputBytesOf(value);
    // Nobody asked for more than the window lets pass, or for an item of that size.
    if (value === undefined || call.stream?.window.isOpen !== true || size > MAX_ITEM_BYTES)
      return this.end("protocol");
    const { items, window, itemMs, endsAt } = call.stream;
    window.sent(size);
    // Whoever takes the items may be slow: the plugin's time does not pass while it is asked for nothing.
    call.deadlineAt = window.isOpen ? Math.min(performance.now() + itemMs, endsAt) : endsAt;
    items.push(value);
  }

  #itemTaken(id: number): void {
    const call = this.#calls.get(id);
    if (call?.stream === undefined) return; // It ended, and the rest is taken.
    const { window, itemMs, endsAt } = call.stream;
    if (!window.isOpen) call.deadlineAt = Math.min(performance.now() + itemMs, endsAt);
    window.taken();
    this.#attached?.send({ type: ToSandbox.taken, id, head: "" });
  }

  /** A compartment is gone: its calls fail, its next call loads it anew. `culprit`: the one that is to blame. */
  #forget(entry: LoadedCompartment, reason: EndReason | LossReason, culprit?: PendingCall): void {
    this.#loaded.delete(entry.plan);
    this.#byId.delete(entry.id);
    entry.failLoading(lossError("load", reason));
    for (const call of this.#calls.takeOf(entry))
      call.reject(lossError(call.context.action, reason, culprit === undefined || culprit === call));
  }

  #ended(reason: EndReason, lastWords: string): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#wasClosed = reason === "closed";
    this.#watch.stop();
    const atWork = new Set([...this.#atWork(), ...this.#leaving.compartments()].map(({ plan }) => plan.plugin));
    const isCulprit = (each: PendingCall | LoadedCompartment): boolean =>
      this.#culprit === undefined || this.#culprit === each;
    const isShared = this.#culprit === undefined && this.#plugins.size > 1 && isCrash({ reason });
    for (const call of this.#calls.takeAll())
      call.reject(lossError(call.context.action, reason, isCulprit(call) || isCulprit(call.compartment), isShared));
    for (const entry of this.#byId.values()) entry.failLoading(lossError("load", reason, isCulprit(entry), isShared));
    this.#loaded.clear();
    this.#byId.clear();
    this.#leaving.clear();
    const culprit = this.#culprit && ("plan" in this.#culprit ? this.#culprit : this.#culprit.compartment).plan.plugin;
    this.#onEnd({ reason, lastWords, plugins: [...this.#plugins], atWork: [...atWork], culprit });
  }
}

/** What a call asks for beyond an answer; most ask for nothing. */
function extrasOf({ onProgress, items, cpuMs }: SandboxCall): CallExtras | undefined {
  if (onProgress === undefined && items === undefined && cpuMs === undefined) return undefined;
  return {
    ...(onProgress !== undefined && { progress: true }),
    ...(items !== undefined && { stream: true }),
    ...(cpuMs !== undefined && { cpuMs }),
  };
}

/** Answers with what stops the listening. */
export function listenForAbort(signal: AbortSignal, onAbort: () => void): () => void {
  signal.addEventListener("abort", onAbort, { once: true });
  return () => signal.removeEventListener("abort", onAbort);
}
