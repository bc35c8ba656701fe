// All rules on built npm code, beside the parser alone and a peer; memory of a process of its own; twice the input.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";

import { scanFile } from "@berth/scanner";
import { AstAnalyser } from "@nodesecure/js-x-ray";
import { parseSync } from "oxc-parser";

import { percentile } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const samples = fileURLToPath(new URL("../../../shared/conformance/scan/benign/", import.meta.url));
/** Built files among the project's own dependencies, for clones without the shared samples. */
const OWN = ["fflate", "isolated-vm", "@nodesecure/js-x-ray"];
const ROUNDS = 3;
const MB = 1_000_000;

interface Source {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly text: string;
}

function sources(): Source[] {
  const files = existsSync(samples)
    ? readdirSync(samples)
        .filter((name) => /\.(?:js|mjs|cjs)$/.test(name))
        .map((name) => samples + name)
    : OWN.map((name) => fileURLToPath(import.meta.resolve(name)));
  return files.map((file) => {
    const bytes = readFileSync(file);
    return { name: file.slice(file.lastIndexOf("/") + 1), bytes, text: bytes.toString("utf8") };
  });
}

const analyser = new AstAnalyser();

const subjects: Readonly<Record<string, (source: Source) => void>> = {
  berth: ({ name, bytes }) => void scanFile({ path: name, bytes }),
  // `program` is what makes the parser hand its tree over; without it nothing would be read.
  "oxc-parser": ({ name, text }) => void parseSync(name, text).program.body.length,
  "js-x-ray": ({ text }) => {
    try {
      analyser.analyse(text);
    } catch {
      // The peer gives up on some files; the time until then counts.
    }
  },
};

/** CPU milliseconds: wall time on a shared machine says more about the neighbours. */
function cpuMsOf(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function measureAll(all: readonly Source[]): Row[] {
  const megabytes = all.reduce((sum, { bytes }) => sum + bytes.length, 0) / MB;
  const samplesOf = new Map(Object.keys(subjects).map((subject): [string, number[]] => [subject, []]));
  const [small] = all;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [subject, run] of Object.entries(subjects)) {
      if (round === 0 && small !== undefined) run(small);
      const ms = cpuMsOf(() => all.forEach(run));
      samplesOf.get(subject)?.push(ms / megabytes);
    }
  }
  return [...samplesOf].map(([subject, list]) => {
    const sorted = list.toSorted((a, b) => a - b);
    const median = percentile(sorted, 0.5);
    return { case: "built code", subject, median, p99: percentile(sorted, 0.99), unit: "ms/MB", cpu: median };
  });
}

/** The same program once, twice and four times in one file. */
function growth(all: readonly Source[]): Row[] {
  const program = all.find(({ text }) => text.length > 100_000 && !/^\s*(?:import|export)\b/m.test(text)) ?? all[0];
  if (program === undefined) return [];
  const part = `(function (module, exports) {\n${program.text}\n});\n`;
  return [1, 2, 4].map((times) => {
    const bytes = new TextEncoder().encode(part.repeat(times));
    const list = [1, 2, 3, 4, 5]
      .map(() => cpuMsOf(() => void scanFile({ path: "a.cjs", bytes })))
      .toSorted((a, b) => a - b);
    const [best = Number.NaN] = list;
    return {
      case: `${program.name} × ${times}`,
      subject: "berth",
      median: best,
      p99: list.at(-1) ?? best,
      unit: "ms",
      cpu: best,
    };
  });
}

/** Peak memory of a process that scans everything once, in one thread, as the command line does. */
function peakMiB(): number {
  const script = `
    const { ScanPool } = await import(${JSON.stringify(import.meta.resolve("@berth/scanner"))});
    const { readFileSync } = await import("node:fs");
    await using pool = new ScanPool(1);
    for (const path of process.argv.slice(1)) await pool.scanFile({ path, bytes: readFileSync(path) });
    console.log(process.resourceUsage().maxRSS);`;
  const files = existsSync(samples)
    ? readdirSync(samples)
        .filter((name) => /\.(?:js|mjs|cjs)$/.test(name))
        .map((name) => samples + name)
    : OWN.map((name) => fileURLToPath(import.meta.resolve(name)));
  const args = ["--input-type=module", "-e", script, ...files];
  const { stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    cwd: fileURLToPath(pathToFileURL(import.meta.dirname)),
  });
  return Number(stdout.trim()) / 1024;
}

export function run(): { rows: Row[]; ratios: Ratio[] } {
  const all = sources();
  const rows = measureAll(all);
  const grown = growth(all);
  const of = (subject: string): number => rows.find((row) => row.subject === subject)?.median ?? Number.NaN;
  const throughput = 1_000 / of("berth");
  const [once, twice, four] = grown.map(({ median }) => median);
  const linear = (four ?? Number.NaN) / (twice ?? Number.NaN);
  const memory = peakMiB();
  rows.push(...grown);
  rows.push({ case: "peak memory", subject: "berth", median: memory, p99: memory, unit: "MiB", cpu: 0 });
  return {
    rows,
    ratios: [
      { id: "scanner.throughput (MB/s of one core, at least)", value: throughput, goal: 2, holds: throughput >= 2 },
      {
        id: "scanner.js-x-ray (share of the peer's time)",
        value: of("berth") / of("js-x-ray"),
        goal: 1,
        holds: of("berth") <= of("js-x-ray"),
      },
      {
        id: "scanner.linear (four times over twice the input)",
        value: linear,
        goal: 2.4,
        holds: linear <= 2.4 && once !== undefined,
      },
      { id: "scanner.memory (MiB)", value: memory, goal: 300, holds: memory <= 300 },
    ],
  };
}
