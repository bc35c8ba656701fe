/** How long nothing may have happened, and how far apart a busy process is looked at. */
const QUIET_MS = 8;
const MAX_WAIT_MS = 200;

/** Runs what can wait once a process has had nothing to do for a moment. Costs one count for each piece of work. */
export class IdleMoments {
  readonly #isBusy: () => boolean;
  readonly #run: () => void;
  #work = 0;
  #isAsked = false;

  /** `isBusy` says whether work is under way that is waiting for something. */
  constructor(isBusy: () => boolean, run: () => void) {
    this.#isBusy = isBusy;
    this.#run = run;
  }

  noteWork(): void {
    this.#work += 1;
  }

  /** Asks for one idle moment; asking again before it came changes nothing. */
  askForOne(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    this.#wait(QUIET_MS);
  }

  #wait(waitMs: number): void {
    const before = this.#work;
    setTimeout(() => {
      // The more a process has to do, the less often it is asked.
      if (this.#work !== before || this.#isBusy()) return this.#wait(Math.min(waitMs * 2, MAX_WAIT_MS));
      this.#isAsked = false;
      this.#run();
    }, waitMs).unref();
  }
}
