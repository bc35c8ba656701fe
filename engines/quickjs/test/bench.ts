import { join } from "node:path";

import type { CompartmentOptions, CompartmentPort } from "@berth/sandbox";

import type { BaseMachine } from "../src/base-machine.ts";
import { loadBaseMachine, readBuiltFiles } from "../src/node-built-files.ts";
import type { BuiltFiles } from "../src/node-built-files.ts";
import { nodePowers } from "../src/node-powers.ts";
import type { Powers } from "../src/powers.ts";
import { MachineStock } from "../src/machine-stock.ts";
import { QuickJsCompartment } from "../src/quickjs-engine.ts";

let base: BaseMachine | undefined;

/** One base for a whole test file: compartments begin as copies of it. */
export const theBase = (): BaseMachine => (base ??= loadBaseMachine(builtFiles()));

export const builtFiles = (): BuiltFiles =>
  readBuiltFiles((name) => join(import.meta.dirname, "../dist-runtime", name));

/** What a compartment said, in order. */
export type Said =
  | { readonly kind: "result"; readonly json: string; readonly bytes: readonly Uint8Array[] }
  | { readonly kind: "failure"; readonly json: string }
  | { readonly kind: "request"; readonly id: number; readonly method: string; readonly json: string }
  | { readonly kind: "log"; readonly level: string; readonly text: string }
  | { readonly kind: "lost"; readonly reason: string };

/** A compartment in this process, whose idle moments the test decides. */
export interface StrictBench {
  readonly compartment: QuickJsCompartment;
  readonly said: Said[];
  /** Calls an action with a value; answers with what was said meanwhile. */
  call(action: string, input?: unknown, bytes?: readonly Uint8Array[]): Said[];
  /** Cancels the call under way. */
  cancel(): void;
  /** Lets the compartment be idle. */
  rest(): void;
}

export function openStrict(
  code: string,
  options: Partial<CompartmentOptions> & { powers?: Partial<Powers>; stock?: MachineStock } = {},
): StrictBench {
  const said: Said[] = [];
  let waiting: (() => void)[] = [];
  const port: CompartmentPort = {
    entering: () => undefined,
    result: (_id, json, bytes) => void said.push({ kind: "result", json, bytes }),
    failure: (_id, json) => void said.push({ kind: "failure", json }),
    request: (id, _callId, method, json) => void said.push({ kind: "request", id, method, json }),
    item: (_id, json, bytes) => void said.push({ kind: "result", json, bytes }),
    progress: () => undefined,
    log: (_id, level, text) => void said.push({ kind: "log", level, text }),
    lost: (reason) => void said.push({ kind: "lost", reason }),
  };
  const powers: Powers = {
    ...nodePowers(builtFiles().partScripts),
    whenIdle: (run) => void waiting.push(run),
    ...options.powers,
  };
  const { memoryMiB = 16, cpuMs = 10_000, sourceName = "plugin.js" } = options;
  const compartment = new QuickJsCompartment(
    theBase(),
    options.stock ?? new MachineStock(theBase(), powers.collectGarbage),
    powers,
    { code, bytes: new Uint8Array(0), sourceName, memoryMiB, cpuMs },
    port,
  );
  let nextId = 0;
  return {
    compartment,
    said,
    call(action, input = null, bytes = []) {
      const before = said.length;
      nextId += 1;
      compartment.call(nextId, action, JSON.stringify(input), bytes, "{}");
      return said.slice(before);
    },
    cancel: () => compartment.cancel(nextId),
    rest() {
      const runs = waiting;
      waiting = [];
      for (const run of runs) run();
    },
  };
}
