import type { LoadedCompartment } from "./loaded-compartment.ts";

/** How long a process may compute, and how long it may take in all, before it has let a compartment go. */
const COMPUTING_MS = 30;
const MAX_MS = 5_000;
/**
 * CPU time in which computing shows. Dropping an isolate, and making another ready in an idle moment, take tens of
 * milliseconds themselves; a guest that never returns takes all there is.
 */
const SHOWS_MS = 60;
/** The same for a compartment that had nothing to do: only collecting its memory can take long. */
const IDLE_SHOWS_MS = 1_000;

interface Departure {
  readonly compartment: LoadedCompartment;
  readonly askedAt: number;
  readonly cpuMs: number | undefined;
  readonly showsMs: number;
}

/** Compartments that a process was told to unload, until it says that it did. */
export class Leaving {
  readonly #departures = new Map<number, Departure>();
  #onEmpty = Promise.withResolvers<void>();

  get size(): number {
    return this.#departures.size;
  }

  compartments(): LoadedCompartment[] {
    return [...this.#departures.values()].map(({ compartment }) => compartment);
  }

  /** `cpuMs`: CPU time of the process so far, where the system tells. `wasAtWork`: it may still be inside. */
  ask(compartment: LoadedCompartment, now: number, cpuMs: number | undefined, wasAtWork: boolean): void {
    const showsMs = wasAtWork ? SHOWS_MS : IDLE_SHOWS_MS;
    this.#departures.set(compartment.id, { compartment, askedAt: now, cpuMs, showsMs });
  }

  /** Answers whether the process was asked. */
  confirm(id: number): boolean {
    if (!this.#departures.delete(id)) return false;
    if (this.#departures.size === 0) this.#tell();
    return true;
  }

  /** The process has ended, and everything with it. */
  clear(): void {
    this.#departures.clear();
    this.#tell();
  }

  /** Waits until nothing is leaving. */
  async whenEmpty(): Promise<void> {
    if (this.#departures.size > 0) await this.#onEmpty.promise;
  }

  #tell(): void {
    this.#onEmpty.resolve();
    this.#onEmpty = Promise.withResolvers<void>();
  }

  get(id: number): LoadedCompartment | undefined {
    return this.#departures.get(id)?.compartment;
  }

  /**
   * Whether the process does not let go: it computes instead, or takes too long. One that the machine gives no
   * time to is waited for.
   */
  isHeld(now: number, cpuMs: () => number | undefined): boolean {
    const [first] = this.#departures.values();
    if (first === undefined || now - first.askedAt < COMPUTING_MS) return false;
    if (now - first.askedAt > MAX_MS) return true;
    const usedMs = cpuMs();
    return usedMs === undefined || first.cpuMs === undefined || usedMs - first.cpuMs >= first.showsMs;
  }
}
