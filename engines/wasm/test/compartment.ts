import { readFileSync } from "node:fs";

import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentPort } from "@berth/sandbox";

import { nodePowers } from "../src/node-powers.ts";
import { makeWasmEngine } from "../src/wasm-engine.ts";

/** Bytes of a compiled fixture. */
export const fixture = (name: string): Uint8Array => readFileSync(new URL(`fixtures/${name}.wasm`, import.meta.url));

/** The outcome of a call: a value, bytes, or the plugin's failure. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly bytes: Uint8Array }
  | { readonly failure: { readonly name: string; readonly message: string; readonly code: string } }
  | { readonly lost: string };

export interface WasmBench {
  readonly compartment: Compartment;
  readonly lines: string[];
  call(action: string, input?: unknown): Outcome;
  /** The same, with the value as it crosses the pipe. */
  callEncoded(action: string, json: string, bytes: readonly Uint8Array[]): Outcome;
}

/** A compartment in this process. */
export function openWasm(bytes: Uint8Array, options: { isFresh?: boolean; memoryMiB?: number } = {}): WasmBench {
  const lines: string[] = [];
  let outcome: Outcome | undefined;
  const port: CompartmentPort = {
    result(_id, json, sections) {
      outcome = sections[0] === undefined ? { value: JSON.parse(json) as unknown } : { bytes: sections[0] };
    },
    failure(_id, failure) {
      outcome = { failure: JSON.parse(failure) as { name: string; message: string; code: string } };
    },
    request: () => undefined,
    log: (_id, level, text) => void lines.push(`${level}: ${text}`),
    lost(reason) {
      outcome = { lost: reason };
    },
  };
  const engine = makeWasmEngine({ isFresh: options.isFresh ?? false, powers: nodePowers() });
  const { memoryMiB = 16 } = options;
  const compartment = engine.open({ bytes, code: "", sourceName: "plugin.wasm", memoryMiB, cpuMs: 10_000 }, port);
  const callEncoded = (action: string, json: string, sections: readonly Uint8Array[]): Outcome => {
    outcome = undefined;
    compartment.call(1, action, json, sections, "{}");
    if (outcome === undefined) throw new Error(`${action} did not answer`);
    return outcome;
  };
  return {
    compartment,
    lines,
    callEncoded,
    call: (action, input = null) =>
      input instanceof Uint8Array
        ? callEncoded(action, '{"$bytes":0}', [input])
        : callEncoded(action, JSON.stringify(input), []),
  };
}

/** Why a module is not loaded. */
export function refusalOf(bytes: Uint8Array, memoryMiB = 16): string {
  try {
    openWasm(bytes, { memoryMiB });
  } catch (error) {
    if (error instanceof PluginLoadError) return (JSON.parse(error.failure) as { message: string }).message;
    throw error;
  }
  return "loaded";
}
