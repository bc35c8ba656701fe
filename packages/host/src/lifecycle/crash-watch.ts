const WINDOW_MS = 300_000;
const MAX_CRASHES = 3;

/** Counts crashes of plugins that were alone in their process: only those convict. */
export class CrashWatch {
  readonly #crashes = new Map<string, number[]>();
  readonly #now: () => Date;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Answers whether this was the third within five minutes. */
  note(pluginId: string): boolean {
    const now = this.#now().getTime();
    const recent = [...(this.#crashes.get(pluginId) ?? []).filter((at) => now - at < WINDOW_MS), now];
    this.#crashes.set(pluginId, recent);
    return recent.length >= MAX_CRASHES;
  }

  forget(pluginId: string): void {
    this.#crashes.delete(pluginId);
  }
}
