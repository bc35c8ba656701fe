import { readdirSync } from "node:fs";
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
}

/** Collects garbage first, which stalls the event loop: say so to whoever measures that. */
export function takeHoldings(minutes: number): Holdings {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return {
    minutes,
    memoryMiB: (heapUsed + external) / MIB,
    descriptors: process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0,
    processes: descendants().size,
  };
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
