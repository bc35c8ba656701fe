// What computing costs at each level, beside plain V8: for choosing a level with open eyes. One call does one
// piece of work of some milliseconds, so crossing to the plugin is not what is measured.
import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { Supervisor } from "@berth/sandbox";
import type { EngineDescriptor, SupervisedCompartment } from "@berth/sandbox";
import type { SecurityLevel } from "@berth/spec";
import { encodeValue } from "@berth/wire";

import { measure } from "../runner.ts";
import type { Ratio, Row, Subject } from "../runner.ts";

/** Each is a function without arguments that gives a number. */
const WORK = {
  fib: `() => { const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2)); return fib(25); }`,
  json: `() => {
    const value = { id: 1, name: "abc", tags: ["a", "b", "c"], nested: { x: 1.5, y: [1, 2, 3, 4, 5, 6, 7, 8] } };
    let total = 0;
    for (let i = 0; i < 1500; i++) total += JSON.stringify(JSON.parse(JSON.stringify(value))).length;
    return total;
  }`,
  matrix: `() => {
    const n = 96, a = new Float64Array(n * n), b = new Float64Array(n * n), c = new Float64Array(n * n);
    for (let i = 0; i < n * n; i++) { a[i] = i % 7; b[i] = i % 5; }
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i * n + k] * b[k * n + j];
      c[i * n + j] = sum;
    }
    return c[17];
  }`,
  strings: `() => {
    let text = "";
    for (let i = 0; i < 20000; i++) text += "item " + i + ",";
    let hash = 0;
    for (let i = 0; i < text.length; i += 7) hash = (hash * 31 + text.charCodeAt(i)) | 0;
    return hash;
  }`,
  sort: `() => {
    const list = [];
    let x = 12345;
    for (let i = 0; i < 8000; i++) { x = (x * 1103515245 + 12345) & 0x7fffffff; list.push({ key: x, name: "k" + x }); }
    list.sort((p, q) => p.key - q.key);
    return list[5].key;
  }`,
} as const;
const ACTIONS = Object.entries(WORK)
  .map(([name, text]) => `${name}: ${text}`)
  .join(",\n");
const CODE = `var berthPlugin = { actions: { ${ACTIONS} } };`;
const INPUT = encodeValue(null);

function open(supervisor: Supervisor, engine: EngineDescriptor, level: SecurityLevel): SupervisedCompartment {
  return supervisor.open({
    plugin: level,
    packKey: level,
    engine,
    level,
    code: new TextEncoder().encode(CODE),
    sourceName: "plugin.js",
    limits: { memoryMiB: 128, cpuMs: 60_000, wallMs: 60_000 },
    onRequest: () => Promise.resolve(null),
    onLog: () => undefined,
  });
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const supervisor = new Supervisor({ leases: 1 });
  const levels = {
    "minimal (isolate)": open(supervisor, isolate(), "minimal"),
    "standard (isolate)": open(supervisor, isolate(), "standard"),
    "strict (quickjs)": open(supervisor, quickjs(), "strict"),
    "isolated (isolate)": open(supervisor, isolate(), "isolated"),
  };
  try {
    const subjects = Object.entries(WORK).flatMap(([name, text]): Subject[] => {
      // oxlint-disable-next-line typescript/no-implied-eval -- the very text that the plugin holds.
      const plain = new Function(`return (${text})()`) as () => number;
      const repeat =
        (work: () => unknown) =>
        async (count: number): Promise<void> => {
          for (let index = 0; index < count; index += 1) await work();
        };
      const calls = Object.entries(levels).map(([subject, compartment]): Subject => {
        const call = (): Promise<unknown> =>
          compartment.call({ action: name, input: INPUT, caller: undefined, about: "{}" });
        return { case: name, subject, count: 4, run: repeat(call) };
      });
      return [{ case: name, subject: "plain V8", count: 20, run: repeat(plain) }, ...calls];
    });
    const rows = await measure(subjects, 9);
    // No ratios: there is no goal. The engine is chosen for its walls, and this is what they cost.
    return { rows, ratios: [] };
  } finally {
    supervisor.close();
  }
}
