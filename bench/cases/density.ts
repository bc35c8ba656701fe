// Many installed plugins on one idle host, waking some of them, and many idle compartments in one process.
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import { Supervisor } from "@berth/sandbox";
import { encodeValue } from "@berth/wire";

import { descendants } from "../../packages/sandbox/conformance/hostile/descendants.ts";
import { builtPackages } from "../built.ts";
import { openLinePipe } from "../line-pipe.ts";
import type { LinePipe } from "../line-pipe.ts";
import { idOf, installMany } from "../many-plugins.ts";
import { percentile, ratio } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const PLUGINS = Number(process.env["BERTH_DENSITY_PLUGINS"] ?? 10_000);
/** What waking one of many is compared with: waking one of these. */
const FEW = 100;
/** Plugins that are woken, and how many of them in one turn: as many as one process holds. */
const WOKEN = Number(process.env["BERTH_DENSITY_WOKEN"] ?? 512);
const A_TURN = 32;
const COMPARTMENTS = 31;
const CODE = `var berthPlugin = { actions: { echo: (value) => value } };`;

const execute = promisify(execFile);
const folder = join(import.meta.dirname, "..");

async function childReport(flags: readonly string[], file: string, ...args: string[]): Promise<Record<string, number>> {
  const { stdout } = await execute(process.execPath, [...flags, join(folder, file), ...args]);
  return JSON.parse(stdout) as Record<string, number>;
}

/** Resident megabytes of the processes that this one started, and that those did. */
function startedMB(): number {
  let pages = 0;
  for (const pid of descendants().keys()) pages += Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]);
  return (pages * 4_096) / 1e6;
}

/** What each further compartment adds to its process, megabytes. */
async function compartmentMB(): Promise<number> {
  const supervisor = new Supervisor();
  const open = async (plugin: string): Promise<void> => {
    const compartment = supervisor.open({
      plugin,
      packKey: "density",
      engine: isolate(),
      level: "minimal",
      code: new TextEncoder().encode(CODE),
      sourceName: "plugin.js",
      limits: { memoryMiB: 64, cpuMs: 20_000, wallMs: 60_000 },
      onRequest: () => Promise.resolve(null),
      onLog: () => undefined,
    });
    await compartment.call({ action: "echo", input: encodeValue(1), caller: undefined, about: "{}" });
  };
  try {
    await open("first");
    const before = startedMB();
    for (let index = 1; index < COMPARTMENTS; index += 1) await open(`p${index}`);
    return (startedMB() - before) / (COMPARTMENTS - 1);
  } finally {
    supervisor.close();
  }
}

const row = (name: string, subject: string, value: number, unit: string): Row => ({
  case: name,
  subject,
  median: value,
  p99: value,
  unit,
  cpu: Number.NaN,
});

interface Opened {
  readonly bareMB: number;
  readonly openMs: number;
  readonly openCpuMs: number;
  readonly openMB: number;
}

interface Rested {
  readonly residentMB: number;
  readonly descriptors: number;
}

/** A data directory of many plugins, filled by a host of this process. */
async function fill(dataDir: string, count: number): Promise<number> {
  const host = await openHost({ dataDir, engines: [isolate()] });
  const startedAt = performance.now();
  await installMany(host, count);
  const eachMs = (performance.now() - startedAt) / count;
  await host.close();
  return eachMs;
}

/** A host in a process of its own. */
class ManyHost {
  readonly count: number;
  readonly opened: Promise<Opened>;
  readonly #pipe: LinePipe;
  /** Plugins in an order without pattern, so that each is called for the first time. */
  readonly #uncalled: number[];

  constructor(flags: readonly string[], dataDir: string, count: number) {
    this.count = count;
    this.#pipe = openLinePipe([...flags, "--expose-gc", join(folder, "host/many-host.mjs"), dataDir]);
    this.opened = this.#pipe.listen().then((line) => JSON.parse(line) as Opened);
    // 7,919 is a prime that divides no count here: every plugin comes once before any comes again.
    this.#uncalled = Array.from({ length: count }, (_, index) => (index * 7_919) % count);
  }

  async wake(count: number): Promise<number[]> {
    const ids = this.#uncalled.splice(0, count);
    this.#uncalled.push(...ids);
    return JSON.parse(await this.#pipe.ask(JSON.stringify(ids.map(idOf)))) as number[];
  }

  async countPlugins(): Promise<number> {
    return JSON.parse(await this.#pipe.ask('"count"')) as number;
  }

  async rest(): Promise<Rested> {
    return JSON.parse(await this.#pipe.ask('"rest"')) as Rested;
  }

  end(): void {
    this.#pipe.end();
  }
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const guest = isolate().files.find(({ name }) => name === "guest.js")?.source ?? "";
  const raw = await childReport(isolate().nodeFlags, "peers/raw-isolates.ts", guest, String(COMPARTMENTS));
  const eachMB = await compartmentMB();
  const built = builtPackages();
  const directory = await mkdtemp(join(tmpdir(), "berth-density-"));
  const hosts: ManyHost[] = [];
  try {
    const [manyDir, fewDir] = [join(directory, "many"), join(directory, "few")];
    const installMs = await fill(manyDir, PLUGINS);
    await fill(fewDir, FEW);
    const many = new ManyHost(built, manyDir, PLUGINS);
    hosts.push(many);
    const { bareMB, openMs, openCpuMs, openMB } = await many.opened;
    const few = new ManyHost(built, fewDir, FEW);
    hosts.push(few);
    await few.opened;
    // The first process of each is another figure.
    for (const host of [many, few]) {
      await host.wake(2);
      await host.rest();
    }
    const before = await many.rest();
    const times = { many: [] as number[], few: [] as number[] };
    for (let woken = 0; woken < WOKEN; woken += A_TURN) {
      times.many.push(...(await many.wake(A_TURN)));
      times.few.push(...(await few.wake(A_TURN)));
      // Both begin each turn alike, with nothing at work.
      await Promise.all([many.rest(), few.rest()]);
    }
    const after = await many.rest();
    // At the end: a list of all takes memory that V8 keeps.
    const plugins = await many.countPlugins();
    if (plugins !== PLUGINS) throw new Error(`expected ${PLUGINS} plugins, found ${plugins}`);
    const perCompartment = eachMB / (raw["eachMB"] ?? Number.NaN);
    const wake = (subject: string, taken: readonly number[]): Row => {
      const sorted = taken.toSorted((a, b) => a - b);
      const [median, p99] = [percentile(sorted, 0.5), percentile(sorted, 0.99)];
      return { case: "first call", subject, median, p99, unit: "ms", cpu: Number.NaN };
    };
    const all = `${PLUGINS} installed`;
    const rows = [
      row(all, "install, each", installMs, "ms"),
      { ...row(all, "open the host", openMs, "ms"), cpu: openCpuMs },
      row(all, "program without host", bareMB, "MB"),
      row(all, "host, opened", openMB, "MB"),
      row(all, "host, idle", before.residentMB, "MB"),
      row(all, `idle, ${times.many.length} woken`, after.residentMB, "MB"),
      row(all, "descriptors before", before.descriptors, ""),
      row(all, "descriptors after", after.descriptors, ""),
      wake(`of ${PLUGINS} plugins`, times.many),
      wake(`of ${FEW} plugins`, times.few),
      row("idle compartment", "berth", eachMB, "MB"),
      row("idle compartment", "isolate with library", raw["eachMB"] ?? Number.NaN, "MB"),
    ];
    return {
      rows,
      ratios: [
        { id: "density.host", value: after.residentMB, goal: 200, holds: after.residentMB <= 200 },
        ratio(rows, "density.wake", "first call", `of ${PLUGINS} plugins`, `of ${FEW} plugins`, 1.2),
        { id: "density.compartment", value: perCompartment, goal: 1.2, holds: perCompartment <= 1.2 },
      ],
    };
  } finally {
    for (const host of hosts) host.end();
    await rm(directory, { recursive: true });
  }
}
