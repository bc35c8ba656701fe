import { readFileSync, readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { descendants } from "../../packages/sandbox/conformance/hostile/descendants.ts";

const MIB = 1_048_576;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What this process holds. */
export interface Holdings {
  readonly minutes: number;
  /** Heap and what hangs on it, after a collection, MiB. */
  readonly memoryMiB: number;
  readonly descriptors: number;
  readonly processes: number;
  /** Resident MiB of each process that it started, directly or not, by process id. */
  readonly residentMiB: ReadonlyMap<number, number>;
}

const PAGE_BYTES = 4_096;

function residentMiBOf(pid: number): number {
  try {
    return (Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES) / MIB;
  } catch {
    return 0; // It ended between the listing and the look.
  }
}

/** Collects garbage first, which stalls the event loop: say so to whoever measures that. */
export function takeHoldings(minutes: number): Holdings {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  const started = [...descendants().keys()];
  return {
    minutes,
    memoryMiB: (heapUsed + external) / MIB,
    descriptors: process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0,
    processes: started.length,
    residentMiB: new Map(started.map((pid) => [pid, residentMiBOf(pid)])),
  };
}

/** What the processes that are in every sample hold together, in the first and in the last, MiB. */
export function longLived(samples: readonly Pick<Holdings, "residentMiB">[]): {
  readonly processes: number;
  readonly firstMiB: number;
  readonly lastMiB: number;
} {
  const [first, last] = [samples[0]?.residentMiB ?? new Map<number, number>(), samples.at(-1)?.residentMiB];
  const pids = [...first.keys()].filter((pid) => samples.every(({ residentMiB }) => residentMiB.has(pid)));
  const sum = (of: ReadonlyMap<number, number> | undefined): number =>
    pids.reduce((total, pid) => total + (of?.get(pid) ?? 0), 0);
  return { processes: pids.length, firstMiB: sum(first), lastMiB: sum(last) };
}

/** MiB per minute by least squares; 0 for fewer than three samples. */
export function slopeOf(samples: readonly Pick<Holdings, "minutes" | "memoryMiB">[]): number {
  if (samples.length < 3) return 0;
  const mean = (of: (sample: Pick<Holdings, "minutes" | "memoryMiB">) => number): number =>
    samples.reduce((sum, sample) => sum + of(sample), 0) / samples.length;
  const [x, y] = [mean(({ minutes }) => minutes), mean(({ memoryMiB }) => memoryMiB)];
  let [up, down] = [0, 0];
  for (const { minutes, memoryMiB } of samples) {
    up += (minutes - x) * (memoryMiB - y);
    down += (minutes - x) ** 2;
  }
  return down === 0 ? 0 : up / down;
}
