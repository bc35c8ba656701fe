// What plugins cost the app that embeds them: the latency of a route of its own under steady load, without Berth, with
// 100 loaded plugins that nobody calls, and while one plugin loops and one allocates without end.
//
// Hostile plugins take processor time as any other process does, and a machine with few processors has less left for
// app and client. So the app without Berth is measured twice: alone, and beside two ordinary processes that loop and
// allocate as the plugins do. The first tells what an operator sees, the second what Berth adds to it.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

import { builtPackages } from "../built.ts";
import { installPlugin } from "../install-plugin.ts";
import { openLinePipe } from "../line-pipe.ts";
import type { LinePipe } from "../line-pipe.ts";
import { percentile, ratio } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const PLUGINS = 100;
const ROUNDS = Number(process.env["BERTH_APP_ROUNDS"] ?? 8);
const WINDOW_MS = 3_000;
const PER_SECOND = 200;
const ECHO = `var berthPlugin = { actions: { echo: (value) => value } };`;
const HOSTILE: Readonly<Record<string, string>> = {
  "hostile.loops": `var berthPlugin = { actions: { echo() { for (;;); } } };`,
  "hostile.allocates": `var berthPlugin = { actions: { echo() { const kept = []; for (;;) kept.push(new Array(1e4).fill(kept.length)); } } };`,
};
const folder = join(import.meta.dirname, "../app");

interface Delay {
  readonly maxMs: number;
  readonly p999Ms: number;
}

/** What one way to run the app came to, over all rounds. */
interface Measured {
  readonly subject: string;
  readonly app: AppProcess;
  readonly isHostile: boolean;
  readonly neighbours: readonly string[];
  readonly times: number[];
  readonly delays: Delay[];
  readonly controls: Delay[];
}

class AppProcess {
  readonly #pipe: LinePipe;
  readonly opened: Promise<{ readonly port: number; readonly plugins: number }>;

  constructor(flags: readonly string[], ...args: string[]) {
    this.#pipe = openLinePipe([...flags, join(folder, "app-process.mjs"), ...args]);
    this.opened = this.#pipe.listen().then((line) => JSON.parse(line) as { port: number; plugins: number });
  }

  async tell<Answer>(word: "watch" | "seen" | "hostile" | "calm"): Promise<Answer> {
    return JSON.parse(await this.#pipe.ask(word)) as Answer;
  }

  end(): void {
    this.#pipe.end();
  }
}

async function install(dataDir: string, ids: readonly string[]): Promise<void> {
  const host = await openHost({ dataDir, engines: [isolate()] });
  for (const id of ids)
    await installPlugin(host, { id, level: "standard", code: HOSTILE[id] ?? ECHO, actions: ["echo"] });
  await host.close();
}

/** One window of load on one app; an idle process looks at its own event loop meanwhile. */
async function measureWindow(measured: Measured, load: LinePipe, control: AppProcess): Promise<void> {
  const { app, isHostile, neighbours, times, delays, controls } = measured;
  const { port } = await app.opened;
  const heavy = neighbours.map((kind): ChildProcess =>
    spawn(process.execPath, [join(folder, "heavy-process.mjs"), kind], { stdio: "ignore" }),
  );
  try {
    if (isHostile) await app.tell("hostile");
    for (const each of [app, control]) await each.tell("watch");
    const asked = JSON.stringify({ port, perSecond: PER_SECOND, ms: WINDOW_MS });
    times.push(...(JSON.parse(await load.ask(asked)) as number[]));
    delays.push(await app.tell("seen"));
    controls.push(await control.tell("seen"));
    if (isHostile) {
      const { ended } = await app.tell<{ ended: number }>("calm");
      if (ended === 0) throw new Error("no call of a hostile plugin ended: nothing was measured");
    }
  } finally {
    for (const each of heavy) each.kill("SIGKILL");
  }
}

function rowsOf({ subject, times, delays, controls }: Measured): Row[] {
  const ascending = (numbers: readonly number[]): number[] => numbers.toSorted((a, b) => a - b);
  const sorted = ascending(times);
  const row = (name: string, numbers: readonly number[]): Row => ({
    case: name,
    subject,
    median: percentile(ascending(numbers), 0.5),
    p99: ascending(numbers).at(-1) ?? Number.NaN,
    unit: "ms",
    cpu: Number.NaN,
  });
  return [
    {
      case: "request",
      subject,
      median: percentile(sorted, 0.5),
      p99: percentile(sorted, 0.99),
      unit: "ms",
      cpu: Number.NaN,
    },
    row(
      "event loop, max",
      delays.map(({ maxMs }) => maxMs),
    ),
    row(
      "event loop, p99.9",
      delays.map(({ p999Ms }) => p999Ms),
    ),
    row(
      "idle process, max",
      controls.map(({ maxMs }) => maxMs),
    ),
    row(
      "idle process, p99.9",
      controls.map(({ p999Ms }) => p999Ms),
    ),
  ];
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const directory = await mkdtemp(join(tmpdir(), "berth-bench-app-"));
  const [idleDir, hostileDir] = [join(directory, "idle"), join(directory, "hostile")];
  const echoes = Array.from({ length: PLUGINS }, (_, index) => `bench.p${index}`);
  await install(idleDir, echoes);
  await install(hostileDir, Object.keys(HOSTILE));
  const flags = builtPackages();
  const load = openLinePipe([join(folder, "load-process.mjs")]);
  const apps = [
    new AppProcess(flags, "bare"),
    new AppProcess(flags, "bare"),
    new AppProcess(flags, "berth", idleDir),
    new AppProcess(flags, "berth", hostileDir),
  ];
  const [control, bare, idle, hostile] = apps as [AppProcess, AppProcess, AppProcess, AppProcess];
  try {
    for (const app of apps) await app.opened;
    const kept = { times: [], delays: [], controls: [] };
    const fresh = (): Pick<Measured, "times" | "delays" | "controls"> => structuredClone(kept);
    const calm = { isHostile: false, neighbours: [] };
    const all: readonly Measured[] = [
      { subject: "without berth", app: bare, ...calm, ...fresh() },
      { subject: "100 plugins idle", app: idle, ...calm, ...fresh() },
      { subject: "beside heavy", app: bare, isHostile: false, neighbours: ["loops", "allocates"], ...fresh() },
      { subject: "two hostile plugins", app: hostile, isHostile: true, neighbours: [], ...fresh() },
    ];
    // The first window of each warms up.
    for (const measured of all) await measureWindow({ ...measured, ...fresh() }, load, control);
    for (let round = 0; round < ROUNDS; round += 1)
      for (const measured of all) await measureWindow(measured, load, control);
    const rows = all.flatMap(rowsOf);
    // Ratios are of the 99th percentile.
    const slow = rows.map((each) => ({ ...each, median: each.p99 }));
    return {
      rows,
      ratios: [
        ratio(slow, "app.idle", "request", "100 plugins idle", "without berth", 1.05),
        ratio(slow, "app.hostile", "request", "two hostile plugins", "without berth", 1.2),
        ratio(slow, "app.hostile.beside", "request", "two hostile plugins", "beside heavy", 1.2),
      ],
    };
  } finally {
    load.end();
    for (const app of apps) app.end();
    await rm(directory, { recursive: true });
  }
}
