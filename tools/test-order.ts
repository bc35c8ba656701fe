/**
 * Long files that play something at many moments, at further levels, or for a figure. They run last; those that did
 * not begin when the minutes of a whole run are over are skipped by name.
 */
const LAST = [
  "engines/isolate/test/hostile/isolated.test.ts",
  "engines/isolate/test/hostile/minimal.test.ts",
  "packages/host/test/lifecycle/faults.test.ts",
  "packages/host/test/lifecycle/transitions.prop.test.ts",
  "packages/host/test/rights/grants.prop.test.ts",
  "apps/registry/test/crash.test.ts",
  "packages/host/test/graph/kill-graph.test.ts",
  "packages/host/test/events/kill-events.test.ts",
  "packages/host/test/kill.test.ts",
  "bench/test",
];
const CONCURRENCY = 2;
/** More failures than this are no accident of a busy machine. */
const MAX_SECOND_TRIES = 5;

/** What the tests of one file came to. */
export interface FileOutcome {
  readonly passed: number;
  readonly named: readonly string[];
  readonly failures: readonly string[];
  readonly skips: readonly string[];
}

export interface OrderedRun {
  /** Runs the tests of one file; `undefined` when it has none. */
  readonly run: (file: string) => Promise<FileOutcome | undefined>;
  readonly say: (line: string) => void;
  /** After which no file of `LAST` begins. */
  readonly minutes: number;
  /** Milliseconds since the whole run began. */
  readonly elapsedMs: () => number;
}

/** 0: as the files come; else later, by this number. */
const placeOf = (file: string): number => LAST.findIndex((path) => file.startsWith(path)) + 1;

/**
 * Runs test files, two at a time. Many tests start processes and wait for them, which a machine with other work may
 * starve. So a file that failed is run once more with nothing beside it, however late it is; what passes only then is
 * named in `secondTries`.
 */
export async function runInOrder(
  files: readonly string[],
  { run, say, minutes, elapsedMs }: OrderedRun,
): Promise<{ outcomes: Map<string, FileOutcome>; secondTries: string[] }> {
  const outcomes = new Map<string, FileOutcome>();
  const waiting = files.toSorted((a, b) => placeOf(a) - placeOf(b));
  const work = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const isTooLate = placeOf(file) > 0 && elapsedMs() > minutes * 60_000;
      const skips = [`not begun: ${minutes} minutes were over`];
      const outcome = isTooLate ? { passed: 0, named: [], failures: [], skips } : await run(file);
      if (outcome !== undefined) outcomes.set(file, outcome);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  const failed = Array.from(outcomes, ([file, { failures }]) => (failures.length > 0 ? file : "")).filter(Boolean);
  const secondTries: string[] = [];
  if (failed.length === 0 || failed.length > MAX_SECOND_TRIES) return { outcomes, secondTries };
  say(`running again, one at a time: ${failed.join(", ")}`);
  for (const file of failed) {
    const outcome = await run(file);
    // Tests that are gone the second time did not pass.
    if (outcome === undefined) continue;
    outcomes.set(file, outcome);
    if (outcome.failures.length === 0) secondTries.push(file);
  }
  return { outcomes, secondTries };
}
