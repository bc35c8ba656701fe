/** What is known of a process's use of the machine; `undefined` where the system does not tell. */
export interface Usage {
  /** Bytes that plugins made the process grow by. */
  readonly grownBytes: number | undefined;
  /** CPU time of the process so far, milliseconds. */
  readonly cpuMs: number | undefined;
}

/** What a process may use. */
export interface Allowance {
  readonly bytes: number;
  /** CPU time without a sign of progress, milliseconds. */
  readonly cpuMs: number;
}

/**
 * Sees a process that outgrows its memory, and one that is busy and silent. The engine charges calls for
 * what they compute and ends a compartment that overdraws; but an entry that never returns charges nothing
 * and says nothing, and that is seen from here.
 */
export class UsageWatch {
  #hasProgressed = true;
  #fromCpuMs: number | undefined;

  /** The process said something that only an entry which returned can say. */
  noteProgress(): void {
    this.#hasProgressed = true;
  }

  /** Why the process must end, if it must. */
  check({ grownBytes = 0, cpuMs }: Usage, allowance: Allowance): "memory" | "cpu" | undefined {
    if (grownBytes > allowance.bytes) return "memory";
    if (this.#hasProgressed || this.#fromCpuMs === undefined) {
      this.#hasProgressed = false;
      this.#fromCpuMs = cpuMs;
      return undefined;
    }
    return cpuMs !== undefined && cpuMs - this.#fromCpuMs > allowance.cpuMs ? "cpu" : undefined;
  }
}
