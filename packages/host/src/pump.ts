import type { SetAlarm } from "./alarm.ts";

/** What a pump works with. All of it belongs to the host. */
export interface PumpParts {
  readonly now: () => Date;
  readonly setAlarm: SetAlarm;
  /** Begins everything that is due, and answers with when the next thing is. Never runs twice at a time. */
  readonly look: () => Promise<Date | undefined>;
  /** Hears why a look failed; it is repeated. */
  readonly onFault: (error: unknown) => void;
}

const RETRY_MS = 1_000;

/** Looks for what is due: when woken, and when the next thing is. */
export class Pump {
  readonly #parts: PumpParts;
  #cancelAlarm: (() => void) | undefined;
  #isLooking = false;
  #isAskedAgain = false;
  #isClosed = false;

  constructor(parts: PumpParts) {
    this.#parts = parts;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Something may be due. */
  wake(): void {
    this.#isAskedAgain = true;
    if (!this.#isLooking && !this.#isClosed) void this.#run();
  }

  async #run(): Promise<void> {
    this.#isLooking = true;
    while (this.#isAskedAgain && !this.#isClosed) {
      this.#isAskedAgain = false;
      try {
        this.#alarmAt(await this.#parts.look());
      } catch (error) {
        if (this.#isClosed) break; // The store closed with the host.
        this.#parts.onFault(error);
        this.#alarmAt(new Date(this.#parts.now().getTime() + RETRY_MS));
      }
    }
    this.#isLooking = false;
  }

  #alarmAt(at: Date | undefined): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm = at === undefined || this.#isClosed ? undefined : this.#parts.setAlarm(at, () => this.wake());
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelAlarm?.();
  }
}
