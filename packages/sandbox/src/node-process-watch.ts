import { UsageWatch } from "./usage-watch.ts";
import type { Allowance, Usage } from "./usage-watch.ts";

const TICK_MS = 10;
/** Memory and CPU time are read at every n-th tick: reading them costs more than the tick. */
const USAGE_TICKS = 3;
/** How often a process without work is looked at, and what CPU time it may use from one look to the next. */
const IDLE_TICK_MS = 2_000;
const IDLE_CPU_MS = 400;

/** A process that is watched. */
export interface Watched {
  /** Whether anything is under way in it. */
  isBusy(): boolean;
  /** Looks at deadlines; `now` as `performance.now()` gives it. */
  lookAtTime(now: number): void;
  /** `undefined` while there is no process. */
  usage(): Usage | undefined;
  /** What it may use: CPU time without a sign of progress. */
  allowance(): Allowance;
  /** What it uses was looked at. */
  used(usage: Usage): void;
  /** It uses more than it may. */
  overdrew(reason: "memory" | "cpu"): void;
}

/** Looks at one process: every 10 ms while it has work, every 2 s while it has none. */
export class ProcessWatch {
  readonly #watched: Watched;
  #usage = new UsageWatch();
  #ticker: NodeJS.Timeout | undefined;
  #isIdle = false;
  #ticks = 0;

  constructor(watched: Watched) {
    this.#watched = watched;
  }

  /** The process said something that only an entry which returned can say. What an idle process says is no progress. */
  noteProgress(): void {
    if (!this.#isIdle) this.#usage.noteProgress();
  }

  /** What the process did before is not charged to what begins now. */
  begin(): void {
    this.#usage.noteProgress();
  }

  /** To be called when work begins. */
  watchClosely(): void {
    if (this.#ticker !== undefined && !this.#isIdle) return;
    clearInterval(this.#ticker);
    this.#isIdle = false;
    this.#ticker = setInterval(() => this.#tick(), TICK_MS);
  }

  stop(): void {
    clearInterval(this.#ticker);
    this.#ticker = undefined;
  }

  #tick(): void {
    if (!this.#watched.isBusy()) return this.#watchNowAndThen();
    this.#watched.lookAtTime(performance.now());
    this.#ticks += 1;
    if (this.#ticks % USAGE_TICKS === 0) this.#look(this.#watched.allowance());
  }

  /** A process without work is looked at too: it may have been taken over, and nothing else would notice. */
  #watchNowAndThen(): void {
    clearInterval(this.#ticker);
    this.#isIdle = true;
    this.#usage = new UsageWatch();
    this.#ticker = setInterval(() => {
      // Every other tick begins a new span, at whose end the CPU time used in it is looked at.
      this.#ticks += 1;
      if (this.#ticks % 2 === 0) this.#usage.noteProgress();
      this.#look({ ...this.#watched.allowance(), cpuMs: IDLE_CPU_MS });
    }, IDLE_TICK_MS).unref();
  }

  #look(allowance: Allowance): void {
    const usage = this.#watched.usage();
    if (usage !== undefined) this.#watched.used(usage);
    const reason = usage && this.#usage.check(usage, allowance);
    if (reason !== undefined) this.#watched.overdrew(reason);
  }
}
