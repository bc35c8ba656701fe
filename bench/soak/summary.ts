import { percentile } from "../runner.ts";
import type { Loss, Tally } from "./drive.ts";
import { longLived, slopeOf } from "./resources.ts";
import type { Holdings } from "./resources.ts";

/** More descriptors than before that are nobody's leak: what Node opens once and keeps. */
const SPARE_DESCRIPTORS = 4;
/** Growth along the slope, from the first sample to the last, that is called a leak. */
const MAX_GROWTH_MIB = 32;
/** Growth of one process that was there all the time; collectors of garbage let heaps go up and down. */
const MAX_PROCESS_GROWTH_MIB = 32;

/** Stalls of an event loop. */
export interface Stalls {
  readonly longestMs: number;
  /** How many were longer than 20 ms. */
  readonly over20: number;
}

/** What a run saw. */
export interface Observed {
  readonly seed: number;
  readonly minutes: number;
  readonly machine: string;
  readonly levels: readonly string[];
  readonly tally: Tally;
  readonly stalls: Stalls;
  /** Of an idle process beside it: what the machine itself does to an event loop. */
  readonly stallsOfAnIdleProcess: Stalls;
  readonly before: Holdings;
  /** While plugins run, from a fifth of the time on. */
  readonly samples: readonly Holdings[];
  /** When the host is closed. */
  readonly after: Holdings;
  readonly changedSettings: readonly string[];
}

export interface Summary {
  readonly ok: boolean;
  /** Why not. */
  readonly faults: readonly string[];
  readonly seed: number;
  readonly minutes: number;
  readonly machine: string;
  readonly levels: readonly string[];
  readonly honest: {
    readonly made: number;
    readonly lost: number;
    readonly lostBeside: number;
    readonly losses: readonly Loss[];
    readonly latencyMs: { readonly median: number; readonly p99: number; readonly longest: number };
  };
  readonly hostile: {
    readonly made: number;
    readonly released: number;
    readonly outcomes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  };
  readonly stalls: Stalls;
  readonly stallsOfAnIdleProcess: Stalls;
  readonly processes: {
    readonly most: number;
    readonly left: number;
    /** Those that were there from the first sample to the last. */
    readonly lasting: { readonly processes: number; readonly firstMiB: number; readonly lastMiB: number };
  };
  readonly descriptors: { readonly before: number; readonly after: number };
  readonly memory: { readonly firstMiB: number; readonly lastMiB: number; readonly slopeMiBPerMinute: number };
  readonly changedSettings: readonly string[];
}

/** Judges a run. */
export function summarize(observed: Observed): Summary {
  const { tally, before, after, samples, changedSettings, ...rest } = observed;
  const slopeMiBPerMinute = slopeOf(samples);
  const [first, last] = [samples[0] ?? before, samples.at(-1) ?? after];
  const left = after.processes - before.processes;
  const growthMiB = slopeMiBPerMinute * (last.minutes - first.minutes);
  const lasting = longLived(samples);
  const faults: string[] = [];
  if (tally.honestMade === 0) faults.push("no honest call was made");
  if (tally.hostileMade === 0) faults.push("no hostile call was made");
  if (tally.honestLost > 0) faults.push(`${tally.honestLost} honest calls were lost`);
  if (left > 0) faults.push(`${left} processes were left behind`);
  if (after.descriptors > before.descriptors + SPARE_DESCRIPTORS)
    faults.push(`${after.descriptors - before.descriptors} descriptors were left open`);
  if (growthMiB > MAX_GROWTH_MIB) faults.push(`memory grew by ${growthMiB.toFixed(1)} MiB`);
  const lastingGrowthMiB = lasting.lastMiB - lasting.firstMiB;
  if (lastingGrowthMiB > MAX_PROCESS_GROWTH_MIB * lasting.processes)
    faults.push(`processes that lasted grew by ${lastingGrowthMiB.toFixed(1)} MiB`);
  if (changedSettings.length > 0) faults.push(`settings of the machine changed: ${changedSettings.join(", ")}`);
  const latencies = tally.latencies.toSorted((a, b) => a - b);
  return {
    ok: faults.length === 0,
    faults,
    ...rest,
    honest: {
      made: tally.honestMade,
      lost: tally.honestLost,
      lostBeside: tally.honestLostBeside,
      losses: tally.losses,
      latencyMs: {
        median: percentile(latencies, 0.5),
        p99: percentile(latencies, 0.99),
        longest: latencies.at(-1) ?? 0,
      },
    },
    hostile: {
      made: tally.hostileMade,
      released: tally.released,
      outcomes: Object.fromEntries(Array.from(tally.outcomes, ([level, codes]) => [level, Object.fromEntries(codes)])),
    },
    processes: { most: Math.max(...samples.map(({ processes }) => processes), 0), left, lasting },
    descriptors: { before: before.descriptors, after: after.descriptors },
    memory: { firstMiB: first.memoryMiB, lastMiB: last.memoryMiB, slopeMiBPerMinute },
    changedSettings,
  };
}

const formatStalls = ({ longestMs, over20 }: Stalls): string =>
  `longest ${longestMs.toFixed(1)} ms, ${over20} over 20 ms`;

/** A summary for people. */
export function formatSummary(summary: Summary): string {
  const { honest, hostile, processes, descriptors, memory } = summary;
  const outcomes = Object.entries(hostile.outcomes).map(([level, codes]) => {
    const counts = Object.entries(codes).toSorted(([, a], [, b]) => b - a);
    return `    ${level.padEnd(9)} ${counts.map(([code, count]) => `${code} ${count}`).join(", ")}`;
  });
  const { median, p99, longest } = honest.latencyMs;
  return [
    `soak of ${summary.minutes} minutes on ${summary.machine}, seed ${summary.seed}, levels ${summary.levels.join(", ")}`,
    `  honest calls   ${honest.made} made, ${honest.lost} lost, ${honest.lostBeside} lost beside a hostile plugin in the same process`,
    `                 median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, longest ${longest.toFixed(1)} ms`,
    ...honest.losses.map(({ plugin, action, why }) => `    lost: ${plugin} ${action}: ${why}`),
    `  hostile calls  ${hostile.made} made, by level and outcome (${hostile.released} times switched on again):`,
    ...outcomes,
    `  event loop     ${formatStalls(summary.stalls)}; of an idle process beside it: ${formatStalls(summary.stallsOfAnIdleProcess)}`,
    `  processes      at most ${processes.most}, ${processes.left} left behind`,
    `                 ${processes.lasting.processes} lasted, and held ${processes.lasting.firstMiB.toFixed(1)} MiB, then ${processes.lasting.lastMiB.toFixed(1)} MiB`,
    `  descriptors    ${descriptors.before} before, ${descriptors.after} after`,
    `  memory         ${memory.firstMiB.toFixed(1)} MiB to ${memory.lastMiB.toFixed(1)} MiB, ${memory.slopeMiBPerMinute.toFixed(2)} MiB a minute`,
    `  machine        ${summary.changedSettings.length} settings changed`,
    summary.ok ? "  ok" : `  FAILED: ${summary.faults.join("; ")}`,
    "",
  ].join("\n");
}
