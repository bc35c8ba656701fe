import assert from "node:assert/strict";

import type { Limits, SecurityLevel } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";

import type { BrokerRequest, CallUsage, LogLine, SandboxCall } from "../src/compartment-plan.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { ItemStream } from "../src/item-stream.ts";
import { Supervisor } from "../src/node-supervisor.ts";
import type { SupervisedCompartment } from "../src/node-supervised-compartment.ts";

/** A plugin under test, in a supervisor of its own unless one is given. */
export interface OpenPlugin {
  readonly supervisor: Supervisor;
  readonly compartment: SupervisedCompartment;
  readonly lines: LogLine[];
  /** What ended calls used, in their order. */
  readonly usages: CallUsage[];
  /** Calls an action that streams. */
  stream(action: string, input?: unknown, signal?: AbortSignal): OpenStream;
  call(action: string, input?: unknown, signal?: AbortSignal, more?: Partial<SandboxCall>): Promise<unknown>;
}

/** A stream under test. */
export interface OpenStream {
  /** The next item; `undefined` when there is none any more. */
  take(): Promise<unknown>;
  /** Resolves when the stream has ended, also with items that nobody took. */
  readonly whole: Promise<void>;
}

export interface OpenOptions {
  readonly limits: Limits;
  /** Default: the first that the engine serves, or standard where it does. */
  readonly level?: SecurityLevel;
  readonly onRequest?: (request: BrokerRequest) => Promise<unknown>;
  /** Whose code it is. Default: one plugin. */
  readonly plugin?: string;
  readonly supervisor?: Supervisor;
  /** Plugins with equal keys share a process. Default: one key for all. */
  readonly packKey?: string;
  /** Each call has a process for itself; see `CompartmentPlan.isFresh`. */
  readonly isFresh?: boolean;
}

export function openPlugin(engine: EngineDescriptor, code: string | Uint8Array, options: OpenOptions): OpenPlugin {
  const supervisor = options.supervisor ?? new Supervisor();
  const lines: LogLine[] = [];
  const usages: CallUsage[] = [];
  const compartment = supervisor.open({
    plugin: options.plugin ?? "conformance",
    packKey: options.packKey ?? "conformance",
    engine,
    isFresh: options.isFresh === true,
    level: options.level ?? (engine.levels.includes("standard") ? "standard" : (engine.levels[0] ?? "standard")),
    code: typeof code === "string" ? new TextEncoder().encode(code) : code,
    sourceName: "plugin.js",
    limits: options.limits,
    onRequest: options.onRequest ?? (async () => ({})),
    onLog: (line) => lines.push(line),
  });
  const call = async (action: string, input: unknown = null, signal?: AbortSignal, more = {}): Promise<unknown> =>
    decodeValue(
      await compartment.call({
        action,
        input: encodeValue(input),
        caller: undefined,
        about: "{}",
        signal,
        onUsage: (usage) => usages.push(usage),
        ...more,
      }),
    );
  const stream = (action: string, input: unknown = null, signal?: AbortSignal): OpenStream => {
    const items = new ItemStream(decodeValue, (error) => assert.fail(String(error)));
    const whole = compartment
      .call({ action, input: encodeValue(input), caller: undefined, about: "{}", signal, items })
      .then(() => undefined)
      .finally(() => items.end());
    whole.catch(() => undefined); // Whoever asks how it ended hears it.
    const take = async (): Promise<unknown> => (await items.take())?.value;
    return { take, whole };
  };
  return { supervisor, compartment, lines, usages, call, stream };
}
