import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import { PluginLoadError } from "@berth/sandbox";
import type { Compartment, CompartmentPort } from "@berth/sandbox";

import { decodeText, encodeText } from "@berth/wire";

import { nodePowers } from "../src/node-powers.ts";
import { makeWasmEngine } from "../src/wasm-engine.ts";
import type { Powers } from "../src/wasm-engine.ts";

/** Bytes of a compiled fixture. */
export const fixture = (name: string): Uint8Array => readFileSync(new URL(`fixtures/${name}.wasm`, import.meta.url));

/** The outcome of a call: a value, bytes, or the plugin's failure. */
export type Outcome =
  | { readonly value: unknown }
  | { readonly bytes: Uint8Array }
  | { readonly failure: { readonly name: string; readonly message: string; readonly code: string } }
  | { readonly lost: string };

/** A broker in this process: answers requests, or throws a report `{code, message}`. */
export type TestBroker = (method: string, request: unknown) => unknown;

export interface WasmBench {
  readonly compartment: Compartment;
  readonly lines: string[];
  call(action: string, input?: unknown): Promise<Outcome>;
  /** The same, with the value as it crosses the pipe. */
  callEncoded(action: string, json: string, bytes: readonly Uint8Array[]): Promise<Outcome>;
}

interface WasmBenchOptions {
  readonly isFresh?: boolean;
  readonly memoryMiB?: number;
  readonly broker?: TestBroker;
  readonly powers?: Partial<Powers>;
}

/** A compartment in this process. */
export function openWasm(
  bytes: Uint8Array,
  { isFresh = false, memoryMiB = 16, broker, powers = {} }: WasmBenchOptions = {},
): WasmBench {
  const lines: string[] = [];
  const pending = new Map<number, (outcome: Outcome) => void>();
  let lastId = 0;
  const tell = (id: number, outcome: Outcome): void => {
    const resolve = pending.get(id);
    if (resolve === undefined) throw new Error(`call ${id} was answered twice`);
    pending.delete(id);
    resolve(outcome);
  };
  const port: CompartmentPort = {
    entering: () => undefined,
    result: (id, json, sections) =>
      tell(id, sections[0] === undefined ? { value: JSON.parse(json) as unknown } : { bytes: sections[0] }),
    failure: (id, failure) =>
      tell(id, { failure: JSON.parse(failure) as { name: string; message: string; code: string } }),
    request(requestId, callId, method, json, sections) {
      if (!pending.has(callId)) throw new Error(`a request of call ${callId}, which is not under way`);
      setImmediate(() => {
        if (broker === undefined) return;
        try {
          const { text, bytes: answered } = encodeText(broker(method, decodeText(json, sections)));
          compartment.settle(requestId, true, text, answered);
        } catch (error) {
          compartment.settle(requestId, false, JSON.stringify(error), []);
        }
      });
    },
    item: (id) => assert.fail(`an item of call ${id}, and modules do not stream`),
    progress: (id) => assert.fail(`progress of call ${id}, and modules tell none`),
    log: (_id, level, text) => void lines.push(`${level}: ${text}`),
    lost(reason) {
      for (const id of pending.keys()) tell(id, { lost: reason });
    },
  };
  const engine = makeWasmEngine({ isFresh, powers: { ...nodePowers(), ...powers } });
  const compartment = engine.open({ bytes, code: "", sourceName: "plugin.wasm", memoryMiB, cpuMs: 10_000 }, port);
  const callEncoded = (action: string, json: string, sections: readonly Uint8Array[]): Promise<Outcome> => {
    lastId += 1;
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    pending.set(lastId, resolve);
    compartment.call(lastId, action, json, sections, "{}");
    return promise;
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
