import type { Limits, SecurityLevel } from "@berth/spec";
import type { WireValue } from "@berth/wire";

import type { EngineDescriptor } from "./engine.ts";
import type { ItemStream } from "./item-stream.ts";
import type { Progress } from "./progress.ts";

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
  /** Whose code it is. Opaque to the sandbox. */
  readonly plugin: string;
  /**
   * Plugins with equal keys may share a sandbox host, when engine and level are the same too. `undefined`: the
   * plugin shares with nobody.
   */
  readonly packKey: string | undefined;
  readonly engine: EngineDescriptor;
  /** Decides the wall. */
  readonly level: SecurityLevel;
  /**
   * Every call begins with the state that loading left. Where the engine does not see to it, each call has a process
   * for itself that ends with it.
   */
  readonly isFresh?: boolean;
  /** The bundle's bytes. */
  readonly code: Uint8Array;
  readonly sourceName: string;
  readonly limits: Limits;
  /** Answers a request, or throws a coded error, which the plugin sees as its report. */
  readonly onRequest: (request: BrokerRequest) => Promise<unknown>;
  /** `instance`: as made by `makeInstance` for the instance that logged. */
  readonly onLog: (line: LogLine, instance: unknown) => void;
  /** Hears now and then by how many bytes the process has grown, while it never held another plugin's code. */
  readonly onMemory?: ((grownBytes: number) => void) | undefined;
  /**
   * Makes what the embedding side keeps of one running instance: called each time the code is loaded anew, so what it
   * made lasts as long as the memory of that instance does. Opaque to the sandbox.
   */
  readonly makeInstance?: () => unknown;
}

/** Whether its instance is dropped after each call: its engine would keep what the call left. */
export const isRenewed = ({ isFresh, engine }: CompartmentPlan): boolean => isFresh === true && engine.isFresh !== true;

/** One call. */
export interface SandboxCall {
  readonly action: string;
  readonly input: WireValue;
  readonly caller: unknown;
  /** JSON text: what the plugin itself may know of the call. */
  readonly about: string;
  readonly signal?: AbortSignal | undefined;
  /** Hears, before its input is sent, which instance runs the call: what `CompartmentPlan.makeInstance` made for it. */
  readonly onEnter?: ((instance: unknown) => void) | undefined;
  /** Hears what the call used, before it is settled; not when it was lost with its process or compartment. */
  readonly onUsage?: ((usage: CallUsage) => void) | undefined;
  /** Hears how far the call has come, while it is under way, some twenty times a second at most. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Where the items of an action go that streams. The call's own value is then the end of the stream, and says nothing. */
  readonly items?: ItemStream<unknown> | undefined;
  /** What its action has less of than the plugin, milliseconds: CPU time, and wall time for the answer or each item. */
  readonly cpuMs?: number | undefined;
  readonly wallMs?: number | undefined;
  /** When it ends at the latest, by `performance.now()`. Of a stream, whoever takes its items is in this time too. */
  readonly deadlineAt?: number | undefined;
}

/** What a call used, as its sandbox host tells; never more than its wall time. */
export interface CallUsage {
  /** CPU time that its engine charged to it, milliseconds. */
  readonly cpuMs: number;
}
