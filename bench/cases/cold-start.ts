// From nothing to the first answer of a plugin of about 20 KB, beside a raw isolate and a bare Node process.
import { spawn } from "node:child_process";

import { isolate } from "@berth/engine-isolate";
import { Supervisor } from "@berth/sandbox";
import { encodeValue } from "@berth/wire";
import ivm from "isolated-vm";

import { measure, ratio } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const FILLER = Array.from({ length: 400 }, (_, index) => `function part${index}(x) { return x * ${index} + 1; }`).join(
  "\n",
);
const CODE = `${FILLER}\nvar berthPlugin = { actions: { first: (value) => part3(value) } };`;
const LIMITS = { memoryMiB: 64, cpuMs: 5_000, wallMs: 30_000 };

async function firstAnswer(supervisor: Supervisor, packKey: string): Promise<void> {
  const compartment = supervisor.open({
    packKey,
    engine: isolate(),
    code: new TextEncoder().encode(CODE),
    sourceName: "plugin.js",
    limits: LIMITS,
    onRequest: () => Promise.resolve(null),
    onLog: () => undefined,
  });
  await compartment.call({ action: "first", input: encodeValue(1), caller: undefined, about: "{}" });
  compartment[Symbol.dispose]();
}

function rawIsolate(): void {
  const raw = new ivm.Isolate({ memoryLimit: 64 });
  const context = raw.createContextSync();
  raw.compileScriptSync(CODE).runSync(context);
  raw.compileScriptSync("JSON.stringify(berthPlugin.actions.first(1))").runSync(context);
  raw.dispose();
}

const bareNode = (): Promise<void> =>
  new Promise(
    (resolve) => void spawn(process.execPath, ["-e", "0"], { stdio: "ignore" }).once("exit", () => resolve()),
  );

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const warm = new Supervisor();
  const cold = new Supervisor();
  let next = 0;
  // A second compartment keeps the warm process alive while others come and go.
  const keeper = warm.open({
    packKey: "warm",
    engine: isolate(),
    code: new TextEncoder().encode(CODE),
    sourceName: "keeper.js",
    limits: LIMITS,
    onRequest: () => Promise.resolve(null),
    onLog: () => undefined,
  });
  await keeper.call({ action: "first", input: encodeValue(1), caller: undefined, about: "{}" });
  const repeat =
    (work: () => Promise<void> | void) =>
    async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) await work();
    };
  try {
    const rows = await measure(
      [
        { case: "first answer", subject: "raw isolate", count: 20, run: repeat(rawIsolate) },
        {
          case: "first answer",
          subject: "berth, warm process",
          count: 20,
          run: repeat(() => firstAnswer(warm, "warm")),
        },
        { case: "process", subject: "bare node", count: 4, run: repeat(bareNode) },
        {
          case: "process",
          subject: "berth, new process",
          count: 4,
          run: repeat(() => firstAnswer(cold, `cold-${(next += 1)}`)),
        },
      ],
      10,
    );
    return {
      rows,
      ratios: [
        ratio(rows, "cold.standard", "first answer", "berth, warm process", "raw isolate", 1),
        ratio(rows, "cold.standard.process", "process", "berth, new process", "bare node", 2),
      ],
    };
  } finally {
    warm.close();
    cold.close();
  }
}
