// Many installed plugins on one idle host, and many idle compartments in one process.
import { execFile } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import { Supervisor } from "@berth/sandbox";
import { encodeValue } from "@berth/wire";

import { installPlugin } from "../install-plugin.ts";
import type { Ratio, Row } from "../runner.ts";

const PLUGINS = Number(process.env["BERTH_DENSITY_PLUGINS"] ?? 10_000);
const COMPARTMENTS = 31;
const CODE = `var berthPlugin = { actions: { echo: (value) => value } };`;

const execute = promisify(execFile);
const folder = join(import.meta.dirname, "..");

async function childReport(flags: readonly string[], file: string, ...args: string[]): Promise<Record<string, number>> {
  const { stdout } = await execute(process.execPath, [...flags, join(folder, file), ...args]);
  return JSON.parse(stdout) as Record<string, number>;
}

/** Resident megabytes of the processes that this one started. */
function childrenMB(): number {
  let pages = 0;
  for (const task of readdirSync("/proc/self/task")) {
    const children = readFileSync(`/proc/self/task/${task}/children`, "utf8").trim();
    for (const pid of children === "" ? [] : children.split(" "))
      pages += Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]);
  }
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
    const before = childrenMB();
    for (let index = 1; index < COMPARTMENTS; index += 1) await open(`p${index}`);
    return (childrenMB() - before) / (COMPARTMENTS - 1);
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

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const guest = isolate().files.find(({ name }) => name === "guest.js")?.source ?? "";
  const raw = await childReport(isolate().nodeFlags, "peers/raw-isolates.ts", guest, String(COMPARTMENTS));
  const eachMB = await compartmentMB();
  const dataDir = await mkdtemp(join(tmpdir(), "berth-density-"));
  try {
    const host = await openHost({ dataDir, engines: [isolate()] });
    const startedAt = performance.now();
    for (let index = 0; index < PLUGINS; index += 1)
      await installPlugin(host, { id: `bench.p${index}`, level: "standard", code: CODE, actions: ["echo"] });
    const installMs = (performance.now() - startedAt) / PLUGINS;
    await host.close();
    const idle = await childReport(["--expose-gc"], "idle-host.ts", dataDir, String(PLUGINS));
    const { bareMB = 0, openMB = 0, openMs = 0, idleMB = 0 } = idle;
    const perCompartment = eachMB / (raw["eachMB"] ?? Number.NaN);
    return {
      rows: [
        row(`${PLUGINS} installed`, "install, each", installMs, "ms"),
        row(`${PLUGINS} installed`, "open the host", openMs, "ms"),
        row(`${PLUGINS} installed`, "program without host", bareMB, "MB"),
        row(`${PLUGINS} installed`, "host, opened", openMB, "MB"),
        row(`${PLUGINS} installed`, "host, idle after calls", idleMB, "MB"),
        row("idle compartment", "berth", eachMB, "MB"),
        row("idle compartment", "isolate with library", raw["eachMB"] ?? Number.NaN, "MB"),
      ],
      ratios: [
        { id: "density.host", value: idleMB, goal: 200, holds: idleMB <= 200 },
        { id: "density.compartment", value: perCompartment, goal: 1.2, holds: perCompartment <= 1.2 },
      ],
    };
  } finally {
    await rm(dataDir, { recursive: true });
  }
}
