import { isCodedError, reportOf } from "@berth/base";
import type { Limits } from "@berth/spec";
import { decodeValue, encodeValue, textOf } from "@berth/wire";
import type { Message, WireValue } from "@berth/wire";

import type { EngineDescriptor, LossReason } from "./engine.ts";
import { SandboxError } from "./errors.ts";
import type { SandboxErrorCode } from "./errors.ts";
import { Sandbox } from "./node-sandbox.ts";
import type { EndReason } from "./node-sandbox.ts";
import { parsePluginFailure } from "./plugin-failure.ts";
import type { PluginFailure } from "./plugin-failure.ts";
import { FromSandbox, ToSandbox } from "./protocol.ts";
import type { LoadHead } from "./protocol.ts";

/** A request of a plugin to the broker. Its compartment is known by the pipe, never by what it says. */
export interface BrokerRequest {
  /** The call it belongs to, as given to `Compartment.call`. */
  readonly call: CallContext;
  readonly method: string;
  readonly value: WireValue;
}

/** What the embedding side knows of a call; handed to the broker unchanged. */
export interface CallContext {
  readonly action: string;
  /** Opaque to the sandbox: who calls, with which rights. */
  readonly caller: unknown;
}

export interface LogLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly text: string;
  /** The action that logged, when known. */
  readonly action: string | undefined;
}

/** What is needed to run one plugin for one partition. */
export interface CompartmentPlan {
  /** Plugins with equal keys share a sandbox host. */
  readonly packKey: string;
  readonly engine: EngineDescriptor;
  /** The bundle's bytes. */
  readonly code: Uint8Array;
  readonly sourceName: string;
  readonly limits: Limits;
  /** Answers a request, or throws a coded error, which the plugin sees as its report. */
  readonly onRequest: (request: BrokerRequest) => Promise<unknown>;
  readonly onLog: (line: LogLine) => void;
}

/** One call. */
export interface SandboxCall {
  readonly action: string;
  readonly input: WireValue;
  readonly caller: unknown;
  /** JSON text: what the plugin itself may know of the call. */
  readonly about: string;
  readonly signal?: AbortSignal | undefined;
}

export interface SupervisorOptions {
  /** Processes kept ready for the next plugin, per engine. Default 0. */
  readonly spares?: number;
  /** Heard when a process with plugins in it ends otherwise than by `close`. */
  readonly onLoss?: (loss: { packKey: string; reason: EndReason; lastWords: string }) => void;
}

const TICK_MS = 10;
/** Memory is read at every n-th tick. */
const MEMORY_TICKS = 3;
/** What a process may grow by beyond its plugins' own limits: values under way, compiled code. */
const MEMORY_SLACK_BYTES = 128 * 1_048_576;
const CRASH_WINDOW_MS = 300_000;
const MAX_BACK_OFF_MS = 5_000;
/** How long a plugin may go on with a call that was cancelled. */
const CANCEL_GRACE_MS = 50;

interface PendingCall {
  readonly compartment: SupervisedCompartment;
  readonly context: CallContext;
  readonly deadlineAt: number;
  readonly resolve: (value: WireValue) => void;
  readonly reject: (error: SandboxError) => void;
  readonly stopListening: () => void;
}

/**
 * Owns every sandbox-host process of an embedding program: starts them, packs compartments into them,
 * watches time and memory, kills what overstays, and starts anew.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #cells = new Map<string, Cell>();
  readonly #spares = new Map<string, Sandbox[]>();
  #isClosed = false;

  constructor(options: SupervisorOptions = {}) {
    this.#options = options;
  }

  /** Declares a compartment; nothing is started before its first call. Dispose it when the plugin goes. */
  open(plan: CompartmentPlan): SupervisedCompartment {
    if (this.#isClosed) throw new SandboxError("SANDBOX_CLOSED", "the supervisor is closed");
    let cell = this.#cells.get(plan.packKey);
    if (cell === undefined) {
      cell = new Cell(
        () => this.#takeSandbox(plan.engine),
        (reason, lastWords) => this.#options.onLoss?.({ packKey: plan.packKey, reason, lastWords }),
      );
      this.#cells.set(plan.packKey, cell);
    }
    return new SupervisedCompartment(plan, cell);
  }

  /** Starts the spare processes of an engine, so that the first call need not wait for one. */
  warm(engine: EngineDescriptor): void {
    if (this.#isClosed) return;
    const spares = this.#spares.get(engine.name) ?? [];
    this.#spares.set(engine.name, spares);
    while (spares.length < (this.#options.spares ?? 0)) {
      const spare = new Sandbox(engine);
      spare.setKeepsAlive(false);
      spares.push(spare);
    }
  }

  #takeSandbox(engine: EngineDescriptor): Sandbox {
    const spares = this.#spares.get(engine.name);
    let sandbox = spares?.shift();
    while (sandbox?.hasEnded === true) sandbox = spares?.shift();
    sandbox ??= new Sandbox(engine);
    sandbox.setKeepsAlive(true);
    setImmediate(() => this.warm(engine));
    return sandbox;
  }

  /** Ends every process. Calls under way fail with SANDBOX_CLOSED. */
  close(): void {
    this.#isClosed = true;
    for (const cell of this.#cells.values()) cell.close();
    for (const spares of this.#spares.values()) for (const spare of spares) spare.end("closed");
    this.#cells.clear();
    this.#spares.clear();
  }
}

/** A compartment as the host sees it: it survives the loss of the process it runs in. */
export class SupervisedCompartment implements Disposable {
  readonly plan: CompartmentPlan;
  readonly #cell: Cell;

  constructor(plan: CompartmentPlan, cell: Cell) {
    this.plan = plan;
    this.#cell = cell;
  }

  /**
   * Runs one action, starting process and compartment when needed.
   *
   * @throws SandboxError SANDBOX_PLUGIN_THREW, SANDBOX_LOAD_FAILED, SANDBOX_DEADLINE, SANDBOX_CPU,
   *   SANDBOX_MEMORY, SANDBOX_CRASHED, SANDBOX_PROTOCOL, SANDBOX_CANCELLED, SANDBOX_CLOSED,
   *   SANDBOX_START_FAILED
   */
  call(call: SandboxCall): Promise<WireValue> {
    return this.#cell.call(this, call);
  }

  /** Drops the running instance, if any: the next call starts afresh. */
  [Symbol.dispose](): void {
    this.#cell.unload(this);
  }
}

/** A sandbox-host process and its successors: everything that shares one pack key. */
class Cell {
  readonly #start: () => Sandbox;
  readonly #onLoss: (reason: EndReason, lastWords: string) => void;
  #running: Running | undefined;
  #crashes: number[] = [];
  #isClosed = false;

  constructor(start: () => Sandbox, onLoss: (reason: EndReason, lastWords: string) => void) {
    this.#start = start;
    this.#onLoss = onLoss;
  }

  call(compartment: SupervisedCompartment, call: SandboxCall): Promise<WireValue> {
    if (this.#isClosed) return Promise.reject(new SandboxError("SANDBOX_CLOSED", "the host is closed"));
    if (call.signal?.aborted === true) return Promise.reject(cancelled(call.action));
    const running = this.#running;
    if (running?.isLoaded(compartment) === true) return running.call(compartment, call);
    return this.#startAndCall(compartment, call);
  }

  async #startAndCall(compartment: SupervisedCompartment, call: SandboxCall): Promise<WireValue> {
    const running = this.#running ?? (this.#running = this.#launch());
    await running.load(compartment);
    if (call.signal?.aborted === true) throw cancelled(call.action);
    return running.call(compartment, call);
  }

  #launch(): Running {
    const waitMs = this.#backOffMs();
    const running: Running = new Running(this.#start, waitMs, (reason, lastWords) => {
      if (this.#running === running) this.#running = undefined;
      if (reason === "closed") return;
      this.#crashes.push(Date.now());
      this.#onLoss(reason, lastWords);
    });
    return running;
  }

  /** 0 for the first loss within five minutes, then 100 ms, doubled each time, at most 5 s. */
  #backOffMs(): number {
    this.#crashes = this.#crashes.filter((at) => Date.now() - at < CRASH_WINDOW_MS);
    const count = this.#crashes.length;
    return count < 2 ? 0 : Math.min(100 * 2 ** (count - 2), MAX_BACK_OFF_MS);
  }

  unload(compartment: SupervisedCompartment): void {
    this.#running?.unload(compartment);
  }

  close(): void {
    this.#isClosed = true;
    this.#running?.end("closed");
    this.#running = undefined;
  }
}

const OUTCOMES: Readonly<Record<EndReason | LossReason, [SandboxErrorCode, string]>> = {
  deadline: ["SANDBOX_DEADLINE", "did not end within its wall time"],
  cpu: ["SANDBOX_CPU", "used more CPU time than it may"],
  memory: ["SANDBOX_MEMORY", "used more memory than it may"],
  protocol: ["SANDBOX_PROTOCOL", "was under way in a sandbox host that broke the protocol"],
  closed: ["SANDBOX_CLOSED", "was under way when the host was closed"],
  crashed: ["SANDBOX_CRASHED", "was under way when its process ended"],
};

function lossError(action: string, reason: EndReason | LossReason, isCulprit = true): SandboxError {
  const [code, words] = OUTCOMES[reason];
  if (!isCulprit)
    return new SandboxError(
      "SANDBOX_CRASHED",
      `the action ${action} was under way in a process that was ended because of another call`,
    );
  return new SandboxError(code, `the action ${action} ${words}`);
}

const cancelled = (action: string): SandboxError =>
  new SandboxError("SANDBOX_CANCELLED", `the call of ${action} was cancelled`);

function pluginThrew(
  code: "SANDBOX_PLUGIN_THREW" | "SANDBOX_LOAD_FAILED",
  what: string,
  failure: PluginFailure,
): SandboxError {
  return new SandboxError(code, `${what}: ${failure.name}: ${failure.message}`, { details: { plugin: failure } });
}

interface Loaded {
  readonly id: number;
  readonly whenLoaded: Promise<void>;
  isReady: boolean;
}

/** One process in service. */
class Running {
  readonly #sandbox: Promise<Sandbox>;
  #attached: Sandbox | undefined;
  readonly #onEnd: (reason: EndReason, lastWords: string) => void;
  readonly #loaded = new Map<SupervisedCompartment, Loaded>();
  readonly #byId = new Map<
    number,
    { compartment: SupervisedCompartment; resolve: () => void; reject: (error: SandboxError) => void }
  >();
  readonly #calls = new Map<number, PendingCall>();
  /** Calls whose caller has left, until the plugin ends them or is unloaded. */
  readonly #cancelled = new Set<number>();
  #nextCompartment = 1;
  #nextCall = 1;
  #ticker: NodeJS.Timeout | undefined;
  #ticks = 0;
  #hasEnded = false;
  /** The call that made us end the process: the others in it are innocent. */
  #culprit: PendingCall | undefined;

  constructor(start: () => Sandbox, waitMs: number, onEnd: (reason: EndReason, lastWords: string) => void) {
    this.#onEnd = onEnd;
    this.#sandbox = this.#begin(start, waitMs);
    this.#sandbox.catch(() => undefined); // Every caller awaits `load`, which reports it.
  }

  async #begin(start: () => Sandbox, waitMs: number): Promise<Sandbox> {
    if (waitMs > 0) await new Promise((resolve) => void setTimeout(resolve, waitMs));
    const sandbox = start();
    this.#attached = sandbox;
    if (this.#hasEnded) sandbox.end("closed");
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

  isLoaded(compartment: SupervisedCompartment): boolean {
    return this.#loaded.get(compartment)?.isReady === true;
  }

  async load(compartment: SupervisedCompartment): Promise<void> {
    const sandbox = await this.#sandbox;
    if (this.#hasEnded) throw lossError("load", "crashed");
    let entry = this.#loaded.get(compartment);
    if (entry === undefined) {
      const id = this.#nextCompartment;
      this.#nextCompartment += 1;
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      entry = { id, whenLoaded: promise, isReady: false };
      this.#loaded.set(compartment, entry);
      this.#byId.set(id, { compartment, resolve, reject });
      const { code, sourceName, limits } = compartment.plan;
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

  call(compartment: SupervisedCompartment, { action, input, caller, about, signal }: SandboxCall): Promise<WireValue> {
    const entry = this.#loaded.get(compartment);
    const sandbox = this.#attached;
    if (this.#hasEnded || entry === undefined || sandbox === undefined)
      return Promise.reject(lossError(action, "crashed"));
    return new Promise((resolve, reject) => {
      const id = this.#takeCallId();
      const onAbort = (): void => this.#cancel(id);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#calls.set(id, {
        compartment,
        context: { action, caller },
        deadlineAt: performance.now() + compartment.plan.limits.wallMs,
        resolve,
        reject,
        stopListening: () => signal?.removeEventListener("abort", onAbort),
      });
      this.#ticker ??= setInterval(() => this.#tick(), TICK_MS);
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
    this.#cancelled.add(id);
    // A plugin that goes on computing for nobody is unloaded.
    setTimeout(() => {
      if (!this.#cancelled.delete(id)) return;
      const isBusyElsewhere = [...this.#calls.values()].some(({ compartment }) => compartment === call.compartment);
      if (!isBusyElsewhere) this.unload(call.compartment);
    }, CANCEL_GRACE_MS).unref();
  }

  unload(compartment: SupervisedCompartment): void {
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
    call.stopListening();
    if (this.#calls.size === 0) {
      clearInterval(this.#ticker);
      this.#ticker = undefined;
    }
    return call;
  }

  #tick(): void {
    const now = performance.now();
    for (const call of this.#calls.values()) {
      if (call.deadlineAt > now) continue;
      this.#culprit = call;
      return this.end("deadline");
    }
    this.#ticks += 1;
    if (this.#ticks % MEMORY_TICKS !== 0) return;
    const allowed = [...this.#loaded.keys()].reduce(
      (sum, { plan }) => sum + plan.limits.memoryMiB * 1_048_576,
      MEMORY_SLACK_BYTES,
    );
    if ((this.#attached?.grownBytes() ?? 0) > allowed) this.end("memory");
  }

  #take(message: Message): void {
    const { type, id, value } = message;
    switch (type) {
      case FromSandbox.result: {
        this.#cancelled.delete(id);
        const call = this.#settle(id);
        // An answer to no call of ours is late (cancelled) or invented; either way nobody waits for it.
        if (value === undefined) return this.end("protocol");
        return call?.resolve(value);
      }
      case FromSandbox.failure: {
        this.#cancelled.delete(id);
        const call = this.#settle(id);
        const failure = parsePluginFailure(value === undefined ? "" : textOf(value));
        return call?.reject(pluginThrew("SANDBOX_PLUGIN_THREW", `the action ${call.context.action} failed`, failure));
      }
      case FromSandbox.request:
        return this.#takeRequest(message);
      case FromSandbox.log:
        return this.#takeLog(message);
      case FromSandbox.loaded: {
        const entry = this.#byId.get(id);
        const loaded = entry && this.#loaded.get(entry.compartment);
        if (loaded === undefined) return;
        loaded.isReady = true;
        return entry?.resolve();
      }
      case FromSandbox.loadFailed: {
        const entry = this.#byId.get(id);
        if (entry === undefined) return;
        const failure = parsePluginFailure(value === undefined ? "" : textOf(value));
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

  #takeRequest({ id, head, value }: Message): void {
    const said = parseHead(head);
    const [compartmentId, callId, method] = said ?? [];
    const call = typeof callId === "number" ? this.#calls.get(callId) : undefined;
    if (typeof method !== "string" || value === undefined) return this.end("protocol");
    // A request must belong to a call under way in the compartment that it came from.
    if (call === undefined || this.#byId.get(Number(compartmentId))?.compartment !== call.compartment) {
      return this.#answer(id, ToSandbox.refusal, {
        code: "SANDBOX_CLOSED",
        message: "the call that asks has already ended",
      });
    }
    call.compartment.plan.onRequest({ call: call.context, method, value }).then(
      (answer) => this.#answer(id, ToSandbox.answer, answer ?? null),
      (error: unknown) => this.#answer(id, ToSandbox.refusal, reportOf(error)),
    );
  }

  #answer(id: number, type: number, value: unknown): void {
    try {
      this.#attached?.send({ type, id, head: "", value: encodeValue(value) });
    } catch (error) {
      if (!isCodedError(error)) throw error;
      this.#attached?.send({ type: ToSandbox.refusal, id, head: "", value: encodeValue(reportOf(error)) });
    }
  }

  #takeLog({ id, head, value }: Message): void {
    const [compartmentId, level] = parseHead(head) ?? [];
    const entry = this.#byId.get(Number(compartmentId));
    if (entry === undefined || value === undefined) return;
    let text: unknown;
    try {
      text = decodeValue(value);
    } catch {
      return this.end("protocol");
    }
    const known = (["debug", "info", "warn", "error"] as const).find((each) => each === level);
    if (known === undefined || typeof text !== "string") return this.end("protocol");
    entry.compartment.plan.onLog({ level: known, text, action: this.#calls.get(id)?.context.action });
  }

  /** A compartment is gone: its calls fail, its next call loads it anew. */
  #forget(compartment: SupervisedCompartment, reason: EndReason | LossReason): void {
    const entry = this.#loaded.get(compartment);
    if (entry === undefined) return;
    this.#loaded.delete(compartment);
    this.#byId.get(entry.id)?.reject(lossError("load", reason));
    this.#byId.delete(entry.id);
    for (const [id, call] of this.#calls) {
      if (call.compartment === compartment) this.#settle(id)?.reject(lossError(call.context.action, reason));
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

function parseHead(head: string): unknown[] | undefined {
  try {
    const said: unknown = JSON.parse(head);
    return Array.isArray(said) ? said : undefined;
  } catch {
    return undefined; // The caller ends the process for it.
  }
}

function parseLoss(head: string): LossReason {
  return head === "cpu" || head === "memory" ? head : "crashed";
}
