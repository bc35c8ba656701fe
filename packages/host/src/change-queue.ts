/** Changes of what is installed, one after the other. */
export class ChangeQueue {
  #last: Promise<void> = Promise.resolve();

  /** Waits for the changes before this one, however they end; their failures belong to their callers alone. */
  async run<Result>(change: () => Promise<Result>): Promise<Result> {
    const before = this.#last;
    const turn = Promise.withResolvers<void>();
    this.#last = turn.promise;
    await before;
    try {
      return await change();
    } finally {
      turn.resolve();
    }
  }

  /** Resolves when every change asked for so far has ended. Never rejects. */
  whenIdle(): Promise<void> {
    return this.#last;
  }
}
