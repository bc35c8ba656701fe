/** Time between two reports of one call, milliseconds; of those in between the latest is kept. */
export const PROGRESS_EVERY_MS = 50;

/** What a relay needs from outside. */
export interface ProgressPowers {
  /** Any clock that counts milliseconds. */
  now(): number;
  /** Answers with what stops it. */
  setTimer(run: () => void, delayMs: number): () => void;
  /** Whether the compartment may report once more within this second. */
  admit(): boolean;
  send(json: string): void;
}

/** Passes on how far one call has come: the first report at once, later ones now and then, and the latest one wins. */
export class ProgressRelay {
  readonly #powers: ProgressPowers;
  #latest: string | undefined;
  #sentAt = Number.NEGATIVE_INFINITY;
  #stopTimer: (() => void) | undefined;

  constructor(powers: ProgressPowers) {
    this.#powers = powers;
  }

  offer(json: string): void {
    this.#latest = json;
    const waitMs = this.#sentAt + PROGRESS_EVERY_MS - this.#powers.now();
    if (waitMs <= 0) this.#sendLatest();
    // Looked at above too: a guest that does not return for long lets no timer fire.
    if (this.#latest !== undefined) this.#wait(Math.max(waitMs, 1));
  }

  /** The call is over: what waits leaves before its answer, where it still may. */
  end(): void {
    this.#sendLatest();
    this.drop();
  }

  drop(): void {
    this.#latest = undefined;
    this.#stopTimer?.();
    this.#stopTimer = undefined;
  }

  #wait(delayMs: number): void {
    this.#stopTimer ??= this.#powers.setTimer(() => {
      this.#stopTimer = undefined;
      this.#sendLatest();
      if (this.#latest !== undefined) this.#wait(PROGRESS_EVERY_MS);
    }, delayMs);
  }

  #sendLatest(): void {
    const json = this.#latest;
    if (json === undefined || !this.#powers.admit()) return;
    this.#latest = undefined;
    this.#sentAt = this.#powers.now();
    this.#powers.send(json);
  }
}
