// From nothing to the first answer of a plugin of about 20 KB, beside a raw isolate and a bare Node process.
import { spawn } from "node:child_process";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { Supervisor, machineWalls } from "@berth/sandbox";
import type { CompartmentPlan, SupervisedCompartment } from "@berth/sandbox";
import { encodeValue } from "@berth/wire";
import ivm from "isolated-vm";

import { measure, ratio } from "../runner.ts";
import type { Ratio, Row, Subject } from "../runner.ts";

const FILLER = Array.from({ length: 400 }, (_, index) => `function part${index}(x) { return x * ${index} + 1; }`).join(
  "\n",
);
const CODE = `${FILLER}\nvar berthPlugin = { actions: { first: (value) => part3(value) } };`;
/** Longer than a sandbox host waits before it calls itself idle. */
const REST_MS = 100;
const LIMITS = { memoryMiB: 64, cpuMs: 5_000, wallMs: 30_000 };

function open(supervisor: Supervisor, packKey: string, level: CompartmentPlan["level"]): SupervisedCompartment {
  return supervisor.open({
    plugin: packKey,
    packKey,
    engine: level === "strict" ? quickjs() : isolate(),
    level,
    code: new TextEncoder().encode(CODE),
    sourceName: "plugin.js",
    limits: LIMITS,
    onRequest: () => Promise.resolve(null),
    onLog: () => undefined,
  });
}

const callFirst = (compartment: SupervisedCompartment): Promise<unknown> =>
  compartment.call({ action: "first", input: encodeValue(1), caller: undefined, about: "{}" });

async function firstAnswer(supervisor: Supervisor, packKey: string, level: CompartmentPlan["level"]): Promise<void> {
  const compartment = open(supervisor, packKey, level);
  await callFirst(compartment);
  compartment[Symbol.dispose]();
}

function rawIsolate(): void {
  const raw = new ivm.Isolate({ memoryLimit: 64 });
  const context = raw.createContextSync();
  raw.compileScriptSync(CODE).runSync(context);
  raw.compileScriptSync("JSON.stringify(berthPlugin.actions.first(1))").runSync(context);
  raw.dispose();
}

const bareNode = (flags: readonly string[]): Promise<void> =>
  new Promise(
    (resolve) => void spawn(process.execPath, [...flags, "-e", "0"], { stdio: "ignore" }).once("exit", () => resolve()),
  );

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const { basic, full } = await machineWalls(isolate());
  const nameOf = (offer: typeof full): string => (offer.kind === "offered" ? offer.wall.name : "missing");
  const warm = new Supervisor({ leases: 1 });
  const cold = new Supervisor();
  const pooled = new Supervisor({ spares: 1 });
  const isolatedName = `berth, isolated (${nameOf(full)})`;
  let next = 0;
  // A second compartment keeps a warm process alive while others come and go.
  await callFirst(open(warm, "warm", "standard"));
  await callFirst(open(warm, "warm, strict", "strict"));
  const repeat =
    (work: () => Promise<void> | void) =>
    async (count: number): Promise<void> => {
      for (let index = 0; index < count; index += 1) await work();
    };
  try {
    const rows = await measure(
      [
        ...[
          // A plugin is called for the first time now and then; what a process makes ready meanwhile counts as well.
          { name: "first answer", restMs: REST_MS },
          { name: "first answers in a row", restMs: undefined },
        ].flatMap(({ name, restMs }): Subject[] =>
          [
            { subject: "raw isolate", work: rawIsolate },
            { subject: "berth, warm process", work: () => firstAnswer(warm, "warm", "standard") },
            { subject: "berth, warm, strict", work: () => firstAnswer(warm, "warm, strict", "strict") },
          ].map(({ subject, work }) => ({
            case: name,
            subject,
            count: restMs === undefined ? 20 : 8,
            run: repeat(work),
            ...(restMs !== undefined && { restMs }),
          })),
        ),
        { case: "process", subject: "bare node", count: 4, run: repeat(() => bareNode([])) },
        // What every engine on isolated-vm pays before its first line: V8's own start-up image in place of Node's.
        {
          case: "process",
          subject: "node with the engine's flags",
          count: 4,
          run: repeat(() => bareNode(isolate().nodeFlags)),
        },
        {
          case: "process",
          subject: `berth, minimal (${nameOf(basic)})`,
          count: 4,
          run: repeat(() => firstAnswer(cold, `cold-${(next += 1)}`, "minimal")),
        },
        {
          case: "process",
          subject: "berth, strict",
          count: 4,
          run: repeat(() => firstAnswer(cold, `cold-${(next += 1)}`, "strict")),
        },
        ...(full.kind === "missing"
          ? []
          : [
              {
                case: "process",
                subject: isolatedName,
                count: 4,
                run: repeat(() => firstAnswer(cold, `cold-${(next += 1)}`, "isolated")),
              },
              {
                case: "process",
                subject: "berth, isolated, from the pool",
                // One at a time: there is one spare, and the next is begun a second after it was taken.
                count: 1,
                restMs: 2_500,
                run: repeat(() => firstAnswer(pooled, `pooled-${(next += 1)}`, "isolated")),
              },
            ]),
      ],
      10,
    );
    return {
      rows,
      ratios: [
        ratio(rows, "cold.standard", "first answer", "berth, warm process", "raw isolate", 1),
        ratio(rows, "cold.strict", "first answer", "berth, warm, strict", "raw isolate", 1),
        ...(full.kind === "missing"
          ? []
          : [
              ratio(rows, "cold.isolated", "process", isolatedName, "bare node", 2),
              ratio(rows, "cold.isolated.pool", "process", "berth, isolated, from the pool", "bare node", 0.1),
              ratio(rows, "cold.isolated.flags", "process", isolatedName, "node with the engine's flags", 2),
            ]),
      ],
    };
  } finally {
    warm.close();
    cold.close();
    pooled.close();
  }
}
