import { cpus, totalmem } from "node:os";

/** One thing that is measured: `run` does `count` operations. */
export interface Subject {
  readonly case: string;
  readonly subject: string;
  readonly count: number;
  /** Milliseconds of rest before each operation, which are not counted; without it one follows the other. */
  readonly restMs?: number;
  run(count: number): Promise<void>;
}

export interface Row {
  readonly case: string;
  readonly subject: string;
  /** Per operation, over the rounds. */
  readonly median: number;
  readonly p99: number;
  readonly unit: string;
  /** CPU time of this process per operation, in the same unit. */
  readonly cpu: number;
}

export interface Ratio {
  readonly id: string;
  readonly value: number;
  readonly goal: number;
  readonly holds: boolean;
}

export interface Report {
  readonly name: string;
  readonly machine: string;
  readonly rows: readonly Row[];
  readonly ratios: readonly Ratio[];
}

/** The value below which the given share of the sorted numbers lies. */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

interface Used {
  /** Microseconds of the clock and of this process's CPU time. */
  readonly wall: number;
  readonly cpu: number;
}

async function timed(work: () => Promise<void>): Promise<Used> {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await work();
  const wall = (performance.now() - startedAt) * 1_000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { wall, cpu: user + system };
}

/** One round of a subject, per operation. */
async function runRound({ count, restMs, run }: Subject): Promise<Used> {
  let [wall, cpu] = [0, 0];
  const batch = restMs === undefined ? count : 1;
  for (let done = 0; done < count; done += batch) {
    if (restMs !== undefined) await new Promise((resolve) => void setTimeout(resolve, restMs));
    const used = await timed(() => run(batch));
    wall += used.wall;
    cpu += used.cpu;
  }
  return { wall: wall / count, cpu: cpu / count };
}

/** Runs the subjects in turns, round after round, so that a busy machine is busy for all of them. */
export async function measure(subjects: readonly Subject[], rounds: number): Promise<Row[]> {
  for (const subject of subjects) await subject.run(Math.ceil(subject.count / 4));
  const samples = subjects.map((): { wall: number[]; cpu: number[] } => ({ wall: [], cpu: [] }));
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, subject] of subjects.entries()) {
      const { wall, cpu } = await runRound(subject);
      samples[index]?.wall.push(wall);
      samples[index]?.cpu.push(cpu);
    }
  }
  return subjects.map(({ case: name, subject }, index) => {
    const ascending = (numbers: readonly number[] = []): number[] => numbers.toSorted((a, b) => a - b);
    const wall = ascending(samples[index]?.wall);
    const cpu = ascending(samples[index]?.cpu);
    return {
      case: name,
      subject,
      median: percentile(wall, 0.5),
      p99: percentile(wall, 0.99),
      unit: "µs",
      cpu: percentile(cpu, 0.5),
    };
  });
}

/** Berth's median over the peer's, of one case in one run. */
export function ratio(rows: readonly Row[], id: string, name: string, ours: string, peer: string, goal: number): Ratio {
  const of = (subject: string): number =>
    rows.find((row) => row.case === name && row.subject === subject)?.median ?? Number.NaN;
  const value = of(ours) / of(peer);
  return { id, value, goal, holds: value <= goal };
}

/** The machine in one line. */
export function machine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model ?? "unknown"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}, ${process.platform}`;
}

/** A report for people. */
export function formatReport({ name, machine: where, rows, ratios }: Report): string {
  const lines = [
    `${name} on ${where}`,
    ...rows.map(({ case: each, subject, median, p99, unit, cpu }) => {
      const figures = `${median.toFixed(1).padStart(10)} ${unit}  p99 ${p99.toFixed(1)}${Number.isNaN(cpu) ? "" : `  cpu ${cpu.toFixed(1)}`}`;
      return `  ${each.padEnd(24)} ${subject.padEnd(20)} ${figures}`;
    }),
    ...ratios.map(
      ({ id, value, goal, holds }) => `  ${holds ? "holds " : "MISSES"} ${id}: ${value.toFixed(2)} (goal ${goal})`,
    ),
  ];
  return `${lines.join("\n")}\n`;
}
