// npm run soak -- [--minutes N] [--seed N] [--json]
//
// Hostile and honest plugins side by side through the real host, at every level that the machine has. Exit code 1
// when an honest call was lost or something leaked.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { wasm, wasmFresh } from "@berth/engine-wasm";
import { openHost } from "@berth/host";
import { machineWalls } from "@berth/sandbox";
import { SECURITY_LEVELS } from "@berth/spec";

import { descendants } from "../../packages/sandbox/conformance/hostile/descendants.ts";
import { machineSettings } from "../../packages/sandbox/conformance/hostile/machine-settings.ts";
import { StallWatch } from "../../packages/sandbox/conformance/hostile/stall-watch.ts";
import { machine } from "../runner.ts";
import { drive, makeTally } from "./drive.ts";
import { installAll } from "./plugins.ts";
import { makeRandom } from "./random.ts";
import { takeHoldings } from "./resources.ts";
import type { Holdings } from "./resources.ts";
import { formatSummary, summarize } from "./summary.ts";
import type { Stalls } from "./summary.ts";

const SAMPLES = 20;
const MINUTE_MS = 60_000;
/** How long ended processes may take to be gone. */
const GONE_MS = 60_000;

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    json: { type: "boolean", default: false },
  },
});
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  process.stderr.write("expected --minutes above 0 and --seed as an integer\n");
  process.exit(2);
}

/** Started before anything else, so that it is no process of the host's. */
const idle = spawn(process.execPath, [join(import.meta.dirname, "idle-process.ts")], {
  stdio: ["pipe", "pipe", "ignore"],
});
const idleSays = text(idle.stdout);

const { full } = await machineWalls(isolate());
const levels = SECURITY_LEVELS.filter((level) => level !== "isolated" || full.kind === "offered");
const settings = machineSettings();
const dataDir = await mkdtemp(join(tmpdir(), "berth-soak-"));
const before = takeHoldings(0);

const host = await openHost({
  dataDir,
  engines: [isolate(), quickjs(), wasm(), wasmFresh()],
  policy: { level: "minimal", scan: { verdicts: { review: "allow", block: "allow" } } },
});
const plugins = await installAll(host, levels);
process.stderr.write(
  `${plugins.honest.length} honest and ${plugins.hostile.length} hostile plugins are installed, ${plugins.refused} were refused\n`,
);

const tally = makeTally();
const samples: Holdings[] = [];
const stalls = new StallWatch();
const startedAt = performance.now();
const elapsed = (): number => (performance.now() - startedAt) / MINUTE_MS;
const isOver = (): boolean => elapsed() >= minutes;

async function sample(): Promise<void> {
  for (let index = 1; index <= SAMPLES; index += 1) {
    while (elapsed() < (minutes * index) / SAMPLES) await sleep(100);
    stalls.pause();
    // The first fifth fills pools, caches and compiled code.
    const holdings = takeHoldings(elapsed());
    if (index * 5 >= SAMPLES) samples.push(holdings);
    stalls.resume();
  }
}

let summaryStalls: Stalls;
try {
  await Promise.all([drive(host, plugins, makeRandom(seed), isOver, tally), sample()]);
} finally {
  stalls.pause();
  summaryStalls = { longestMs: stalls.takeLongestMs(), over20: stalls.stalls };
  await host.close();
  await rm(dataDir, { recursive: true });
}
const goneBy = Date.now() + GONE_MS;
while (descendants().size > before.processes && Date.now() < goneBy) await sleep(50);
const after = takeHoldings(elapsed());
idle.stdin.end();
const settingsAfter = machineSettings();

const summary = summarize({
  seed,
  minutes,
  machine: machine(),
  levels,
  tally,
  stalls: summaryStalls,
  stallsOfAnIdleProcess: JSON.parse(await idleSays) as Stalls,
  before,
  samples,
  after,
  changedSettings: [...settings].flatMap(([path, value]) => (settingsAfter.get(path) === value ? [] : [path])),
});
process.stdout.write(values.json ? `${JSON.stringify(summary)}\n` : formatSummary(summary));
process.exit(summary.ok ? 0 : 1);
