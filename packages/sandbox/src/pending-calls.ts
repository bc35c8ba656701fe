import type { WireValue } from "@berth/wire";

import type { CallContext, SandboxCall } from "./compartment-plan.ts";
import type { SandboxError } from "./errors.ts";
import type { ItemStream } from "./item-stream.ts";
import type { LoadedCompartment } from "./loaded-compartment.ts";
import type { StreamWindow } from "./stream-window.ts";

/** A call that was sent to a process and that somebody waits for. */
export interface PendingCall {
  /** What the pipe knows it by. */
  readonly id: number;
  readonly compartment: LoadedCompartment;
  readonly context: CallContext;
  readonly inputBytes: number;
  /** CPU time that it may use, milliseconds. */
  readonly cpuMs: number;
  readonly startedAt: number;
  /** Of a stream: when its next item is late, unless it is not asked for one; else when the call is. */
  deadlineAt: number;
  /** Whether the process has told that the plugin began it; an answer tells it too. */
  hasBegun: boolean;
  readonly resolve: (value: WireValue) => void;
  readonly reject: (error: SandboxError) => void;
  readonly stopListening: (() => void) | undefined;
  readonly onUsage: SandboxCall["onUsage"];
  readonly onProgress: SandboxCall["onProgress"];
  readonly stream: PendingStream | undefined;
}

/** What a call has besides that streams. */
export interface PendingStream {
  readonly items: ItemStream<unknown>;
  readonly window: StreamWindow;
  /** Time for each item, milliseconds. */
  readonly itemMs: number;
  /** When the whole stream ends at the latest. */
  readonly endsAt: number;
}

/** The calls under way in one process, and what may still come of those that were given up. */
export class PendingCalls {
  readonly #calls = new Map<number, PendingCall>();
  /** Calls whose caller has left, until the plugin ends them or is unloaded. */
  readonly #abandoned = new Map<number, LoadedCompartment>();
  /** Answers that may still come for calls which nobody waits for any more. */
  #lateAnswers = 0;
  #lastId = 0;

  get size(): number {
    return this.#calls.size;
  }

  /** Answers with the id that the call has on the pipe. */
  add(makeCall: (id: number) => PendingCall): number {
    do this.#lastId = (this.#lastId % 0xffff_ffff) + 1;
    while (this.#calls.has(this.#lastId));
    const id = this.#lastId;
    const call = makeCall(id);
    this.#calls.set(id, call);
    call.compartment.inputBytes += call.inputBytes;
    call.compartment.callsUnbegun += 1;
    return id;
  }

  get(id: number): PendingCall | undefined {
    return this.#calls.get(id);
  }

  values(): IterableIterator<PendingCall> {
    return this.#calls.values();
  }

  /** Notes that the plugin began a call. */
  begin(call: PendingCall): void {
    if (call.hasBegun) return;
    call.hasBegun = true;
    call.compartment.callsUnbegun -= 1;
  }

  /** Takes a call out: nothing will come for it. */
  settle(id: number): PendingCall | undefined {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    this.#calls.delete(id);
    call.compartment.inputBytes -= call.inputBytes;
    if (!call.hasBegun) call.compartment.callsUnbegun -= 1;
    call.stopListening?.();
    return call;
  }

  /** Takes a call out whose plugin may still be at work for it, and may still answer. */
  abandon(id: number): PendingCall | undefined {
    const call = this.settle(id);
    if (call === undefined) return undefined;
    this.#lateAnswers += 1;
    this.#abandoned.set(id, call.compartment);
    return call;
  }

  /** Whether a call was still abandoned. From now on it is not: its plugin has ended it, or will be made to. */
  endAbandoned(id: number): boolean {
    return this.#abandoned.delete(id);
  }

  /** The call that was answered. An answer to no call is late, if calls were given up, or invented. */
  answered(id: number): PendingCall | "late" | "invented" {
    const call = this.settle(id);
    if (call !== undefined) return call;
    this.#abandoned.delete(id);
    this.#lateAnswers -= 1;
    return this.#lateAnswers < 0 ? "invented" : "late";
  }

  /** Whether something may still come for calls that were given up: then what belongs to no call was not invented. */
  get areSomeLate(): boolean {
    return this.#lateAnswers > 0;
  }

  get areSomeAbandoned(): boolean {
    return this.#abandoned.size > 0;
  }

  /** Takes out every call of a compartment that is gone. Answers may still be on their way. */
  takeOf(compartment: LoadedCompartment): PendingCall[] {
    const taken: PendingCall[] = [];
    for (const [id, call] of this.#calls) {
      if (call.compartment !== compartment) continue;
      this.#lateAnswers += 1;
      taken.push(call);
      this.settle(id);
    }
    for (const [id, each] of this.#abandoned) if (each === compartment) this.#abandoned.delete(id);
    return taken;
  }

  /** Takes out everything. */
  takeAll(): PendingCall[] {
    const taken = [...this.#calls.values()];
    for (const id of this.#calls.keys()) this.settle(id);
    this.#abandoned.clear();
    return taken;
  }

  /** Whether anybody waits for a call of the compartment. */
  isWaitedFor(compartment: LoadedCompartment): boolean {
    return [...this.#calls.values()].some((call) => call.compartment === compartment);
  }

  /** CPU time that the calls which somebody waits for may use, of the one that may most; 0 when there is none. */
  mostCpuMsOf(compartment: LoadedCompartment): number {
    let cpuMs = 0;
    for (const call of this.#calls.values()) if (call.compartment === compartment) cpuMs = Math.max(cpuMs, call.cpuMs);
    return cpuMs;
  }

  /** Compartments that may be at work, also for nobody. */
  compartmentsAtWork(): Set<LoadedCompartment> {
    return new Set([...[...this.#calls.values()].map(({ compartment }) => compartment), ...this.#abandoned.values()]);
  }
}
