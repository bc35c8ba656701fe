import { spawn } from "node:child_process";

/** Below and above these parts of the span a kill is taken for early and late. */
const EARLY = 0.25;
const LATE = 0.75;
/** How many times the rounds asked for may be played until both outcomes have been seen. */
const MOST_REPEATS = 4;

/**
 * When to kill a process, spread over all of its work and a little beyond. How long the work takes is learned from
 * what became of it: a machine that does other things is faster or slower from one round to the next.
 */
export class KillMoments {
  readonly #rounds: number;
  #spanMs: number;
  #round = 0;
  #done = 0;
  #part = 0;

  /** `wholeMs` is how long the work took once, undisturbed. */
  constructor(rounds: number, wholeMs: number) {
    this.#rounds = rounds;
    this.#spanMs = wholeMs * 1.3;
  }

  /** Whether both outcomes have been seen: work that came through, and work that did not. */
  get sawBoth(): boolean {
    return this.#done > 0 && this.#done < this.#round;
  }

  /** Milliseconds until the next kill; `undefined` when there were enough. */
  next(): number | undefined {
    if (this.#round >= this.#rounds * (this.sawBoth ? 1 : MOST_REPEATS)) return undefined;
    this.#round += 1;
    this.#part = (this.#round * 0.618) % 1;
    return this.#spanMs * this.#part;
  }

  /** What became of the round that `next` began. */
  note(cameThrough: boolean): void {
    if (cameThrough) this.#done += 1;
    if (cameThrough && this.#part < EARLY) this.#spanMs *= 0.7;
    if (!cameThrough && this.#part > LATE) this.#spanMs *= 1.5;
  }
}

/**
 * Runs a script in a process of its own, which is killed so many milliseconds after it said that it begins. Answers
 * with how long it lived from then on.
 */
export async function runAndKill(script: string, args: readonly string[], afterMs: number): Promise<number> {
  const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", script, ...args], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  let openedAt = 0;
  child.stdout.once("data", () => {
    openedAt = performance.now();
    setTimeout(() => child.kill("SIGKILL"), afterMs);
  });
  await new Promise((resolve) => child.once("exit", resolve));
  return performance.now() - openedAt;
}
