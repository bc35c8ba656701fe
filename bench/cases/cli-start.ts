// What a person waits for before a command does its first work, beside a bare Node process in the same run.
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { percentile } from "../runner.ts";
import type { Ratio, Row } from "../runner.ts";

const ROUNDS = 15;
const berth = join(import.meta.dirname, "../../bin/berth");

async function once(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(command, args, { stdio: "ignore", env });
  const status = await new Promise((resolve, reject) => child.once("error", reject).once("exit", resolve));
  if (status !== 0) throw new Error(`${args.join(" ")} ended with ${String(status)}`);
  return performance.now() - startedAt;
}

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-cli-"));
  const env = { ...process.env, BERTH_DATA_DIR: join(folder, "state") };
  const subjects: readonly (readonly [name: string, command: string, args: readonly string[]])[] = [
    ["bare node", process.execPath, ["-e", "0"]],
    ["berth --version", berth, ["--version"]],
    ["berth help", berth, ["help"]],
    ["berth list", berth, ["list"]],
    ["berth registry list", berth, ["registry", "list"]],
    ["berth scan", berth, ["scan", join(import.meta.dirname, "../runner.ts")]],
  ];
  try {
    const samples = subjects.map((): number[] => []);
    // In turns, so that a busy machine is busy for all of them; the first turn fills the compile cache.
    for (let round = -1; round < ROUNDS; round += 1) {
      for (const [index, [, command, args]] of subjects.entries()) {
        const ms = await once(command, args, env);
        if (round >= 0) samples[index]?.push(ms);
      }
    }
    const rows = subjects.map(([subject], index): Row => {
      const wall = samples[index]?.toSorted((a, b) => a - b) ?? [];
      return {
        case: "start",
        subject,
        median: percentile(wall, 0.5),
        p99: percentile(wall, 0.99),
        unit: "ms",
        cpu: Number.NaN,
      };
    });
    const medianOf = (subject: string): number => rows.find((row) => row.subject === subject)?.median ?? Number.NaN;
    const goal = (id: string, value: number, ms: number): Ratio => ({ id, value, goal: ms, holds: value <= ms });
    // Whole commands: their first work comes before their end.
    const works = ["berth list", "berth registry list", "berth scan"].map(medianOf);
    return {
      rows,
      ratios: [goal("cli.version", medianOf("berth --version"), 120), goal("cli.work", Math.max(...works), 250)],
    };
  } finally {
    await rm(folder, { recursive: true });
  }
}
