// Code that does not end: how long after its deadline it is gone, and what the embedding program feels of it.
import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { Supervisor } from "@berth/sandbox";
import type { SecurityLevel } from "@berth/spec";
import { encodeValue } from "@berth/wire";

import { percentile } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const WALL_MS = 400;
const ROUNDS = 10;
const ATTACKS: Readonly<Record<string, string>> = {
  loop: "for (;;);",
  "native loop": "(2n ** (2n ** 26n)).toString(); for (;;) [].indexOf.call({ length: 2 ** 53 }, 1);",
  allocation: "const kept = []; for (;;) kept.push(new Array(1000).fill(1.5));",
  "promise bomb": "const again = () => void Promise.resolve().then(again); again(); return new Promise(() => {});",
};
const ENDED = new Set(["SANDBOX_DEADLINE", "SANDBOX_CPU", "SANDBOX_MEMORY", "SANDBOX_CRASHED"]);

/** The longest that this process's event loop stood still while `work` went on, milliseconds. */
async function longestStall(work: () => Promise<void>): Promise<number> {
  let longest = 0;
  let last = performance.now();
  const ticker = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - 1);
    last = now;
  }, 1);
  await work();
  clearInterval(ticker);
  return longest;
}

/** How long after its deadline a call had failed and its process was gone, milliseconds; less than 0: before. */
async function overstay(level: SecurityLevel, code: string): Promise<number> {
  const gone = Promise.withResolvers<void>();
  const supervisor = new Supervisor({ leases: 1, onLoss: () => gone.resolve() });
  const compartment = supervisor.open({
    plugin: "runaway",
    packKey: undefined,
    engine: level === "strict" ? quickjs() : isolate(),
    level,
    code: new TextEncoder().encode(`var berthPlugin = { actions: { ready: () => 1, run() { ${code} } } };`),
    sourceName: "plugin.js",
    // CPU time beyond the wall time: only the deadline ends it.
    limits: { memoryMiB: 256, cpuMs: 60_000, wallMs: WALL_MS },
    onRequest: () => Promise.resolve(null),
    onLog: () => undefined,
  });
  const call = (action: string): Promise<unknown> =>
    compartment.call({ action, input: encodeValue(null), caller: undefined, about: "{}" });
  try {
    await call("ready");
    const deadlineAt = performance.now() + WALL_MS;
    const outcome = await call("run").then(
      () => "answered",
      ({ code: why }: { code: string }) => why,
    );
    // An engine that ends the call itself keeps its process.
    if (outcome === "SANDBOX_DEADLINE") await gone.promise;
    if (!ENDED.has(outcome) && !outcome.startsWith("SANDBOX_PLUGIN")) throw new Error(`it ended with ${outcome}`);
    return performance.now() - deadlineAt;
  } finally {
    supervisor.close();
  }
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const rows: Row[] = [];
  let worstGone = 0;
  let worstStall = 0;
  for (const level of ["standard", "strict"] as const) {
    for (const [name, code] of Object.entries(ATTACKS)) {
      const gone: number[] = [];
      const stalls: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1)
        stalls.push(await longestStall(async () => void gone.push(await overstay(level, code))));
      for (const [what, samples] of [
        ["gone after deadline", gone],
        ["longest stall", stalls],
      ] as const) {
        const ascending = samples.toSorted((a, b) => a - b);
        const [median, p99] = [percentile(ascending, 0.5), percentile(ascending, 0.99)];
        rows.push({ case: `${name}, ${level}`, subject: what, median, p99, unit: "ms", cpu: Number.NaN });
      }
      worstGone = Math.max(
        worstGone,
        percentile(
          gone.toSorted((a, b) => a - b),
          0.5,
        ),
      );
      worstStall = Math.max(
        worstStall,
        percentile(
          stalls.toSorted((a, b) => a - b),
          0.5,
        ),
      );
    }
  }
  return {
    rows,
    ratios: [
      { id: "runaway.gone", value: worstGone, goal: 50, holds: worstGone <= 50 },
      { id: "runaway.stall", value: worstStall, goal: 20, holds: worstStall <= 20 },
    ],
  };
}
