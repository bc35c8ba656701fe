import type { Limits, SecurityLevel } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";

import type { BrokerRequest, CallUsage, LogLine } from "../src/compartment-plan.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { Supervisor } from "../src/node-supervisor.ts";
import type { SupervisedCompartment } from "../src/node-supervised-compartment.ts";

/** A plugin under test, in a supervisor of its own unless one is given. */
export interface OpenPlugin {
  readonly supervisor: Supervisor;
  readonly compartment: SupervisedCompartment;
  readonly lines: LogLine[];
  /** What ended calls used, in their order. */
  readonly usages: CallUsage[];
  call(action: string, input?: unknown, signal?: AbortSignal): Promise<unknown>;
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
}

export function openPlugin(engine: EngineDescriptor, code: string | Uint8Array, options: OpenOptions): OpenPlugin {
  const supervisor = options.supervisor ?? new Supervisor();
  const lines: LogLine[] = [];
  const usages: CallUsage[] = [];
  const compartment = supervisor.open({
    plugin: options.plugin ?? "conformance",
    packKey: options.packKey ?? "conformance",
    engine,
    level: options.level ?? (engine.levels.includes("standard") ? "standard" : (engine.levels[0] ?? "standard")),
    code: typeof code === "string" ? new TextEncoder().encode(code) : code,
    sourceName: "plugin.js",
    limits: options.limits,
    onRequest: options.onRequest ?? (async () => ({})),
    onLog: (line) => lines.push(line),
  });
  const call = async (action: string, input: unknown = null, signal?: AbortSignal): Promise<unknown> =>
    decodeValue(
      await compartment.call({
        action,
        input: encodeValue(input),
        caller: undefined,
        about: "{}",
        signal,
        onUsage: (usage) => usages.push(usage),
      }),
    );
  return { supervisor, compartment, lines, usages, call };
}
