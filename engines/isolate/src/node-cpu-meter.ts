/** Entries shorter than this are charged the time they took: a preempted one is longer. */
const SHORT_MS = 1;
/** How old the last reading of the thread's clock may be when an entry begins. */
const MAX_MARK_AGE_MS = 20;

/**
 * Tells how much CPU time an entry into foreign code used. Reading the thread's clock costs as much as a
 * small call, so it is read only around entries that were long: what an entry is charged is never more
 * than the time it took, and never less than its CPU time.
 */
export class CpuMeter {
  #markCpuMs = 0;
  #markAt = Number.NEGATIVE_INFINITY;

  /** Begins an entry; hand the answer to `usedMs`. */
  start(): number {
    const now = performance.now();
    if (now - this.#markAt > MAX_MARK_AGE_MS) this.#mark(now);
    return now;
  }

  /** Milliseconds to charge for the entry that began at `startedAt`. */
  usedMs(startedAt: number): number {
    const now = performance.now();
    const tookMs = now - startedAt;
    return tookMs < SHORT_MS ? tookMs : Math.min(tookMs, this.#mark(now));
  }

  /** Reads the thread's clock; answers with the CPU time since the reading before. */
  #mark(now: number): number {
    const { user, system } = process.threadCpuUsage();
    const cpuMs = (user + system) / 1_000;
    const sinceMs = cpuMs - this.#markCpuMs;
    this.#markCpuMs = cpuMs;
    this.#markAt = now;
    return sinceMs;
  }
}
