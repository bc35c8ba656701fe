/** A clock that stands still until a test moves it. */
export class Clock {
  #time: number;
  readonly #alarms = new Set<{ readonly at: number; readonly wake: () => void }>();

  constructor(start: string) {
    this.#time = Date.parse(start);
  }

  readonly now = (): Date => new Date(this.#time);

  readonly setAlarm = (at: Date, wake: () => void): (() => void) => {
    const alarm = { at: at.getTime(), wake };
    this.#alarms.add(alarm);
    return () => void this.#alarms.delete(alarm);
  };

  /** Moves on, and wakes whoever asked for it. */
  advance(ms: number): void {
    this.#time += ms;
    for (const alarm of this.#alarms) {
      if (alarm.at > this.#time) continue;
      this.#alarms.delete(alarm);
      alarm.wake();
    }
  }

  /** Moves on in steps until a condition holds. */
  async advanceUntil(stepMs: number, holds: () => Promise<boolean> | boolean): Promise<void> {
    while (!(await holds())) {
      this.advance(stepMs);
      await pause();
    }
  }
}

export const pause = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve, 10));

/** Waits for what a test expects, however long the machine takes. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await pause();
}
