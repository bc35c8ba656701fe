/**
 * Plugins that were at work in a process which several of them lost, or that cost others theirs. Until they have behaved for a while, each
 * runs in a process of its own, where the next crash would tell whose it is.
 */
export class Suspects {
  readonly #probationMs: number;
  readonly #now: () => number;
  /** By plugin: until when. */
  readonly #until = new Map<string, number>();

  /** `now` counts milliseconds from any moment on. */
  constructor(probationMs: number, now: () => number) {
    this.#probationMs = probationMs;
    this.#now = now;
  }

  /** Answers whether the plugin was none before. */
  accuse(plugin: string): boolean {
    const isNew = !this.#until.has(plugin);
    this.#until.set(plugin, this.#now() + this.#probationMs);
    return isNew;
  }

  /** A suspect's process was lost: its time begins anew. */
  prolong(plugin: string): void {
    if (this.#until.has(plugin)) this.#until.set(plugin, this.#now() + this.#probationMs);
  }

  has(plugin: string): boolean {
    return this.#until.has(plugin);
  }

  /** Takes out those who have behaved long enough, and names them. */
  acquit(): string[] {
    const now = this.#now();
    const acquitted = [...this.#until].filter(([, until]) => until <= now).map(([plugin]) => plugin);
    for (const plugin of acquitted) this.#until.delete(plugin);
    return acquitted;
  }

  get size(): number {
    return this.#until.size;
  }
}
