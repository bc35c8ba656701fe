import { closeSync, openSync, readSync } from "node:fs";

import type { Usage } from "./usage-watch.ts";

/** Linux counts a process's time in hundredths of a second, whatever its own clock is (`getconf CLK_TCK`). */
const CLOCK_TICK_MS = 10;
/** Fields of /proc/PID/stat after the name: user time is the 12th, system time the 13th (proc(5): 14 and 15). */
const USER_TIME_FIELD = 11;
/** Both files are shorter. */
const MAX_BYTES = 8_192;

/**
 * Memory that a process holds, in lines of /proc/PID/status: what is resident, what was moved to swap, huge pages of the
 * machine's store, and page tables, which can be made to grow without anything resident: one for every 2 MiB that are
 * only read.
 */
const HELD = /^(?:VmRSS|VmSwap|VmPTE|HugetlbPages):\s+(\d+) kB$/gm;

const buffer = Buffer.alloc(MAX_BYTES);

/**
 * What one process uses of the machine. Its files are opened once: they are those of this process also when another one
 * has got its number, and stay readable where the system hides processes that nobody may look into (`hidepid`, which
 * systemd calls `ProtectProc=`).
 */
export class ProcessUsage implements Disposable {
  readonly #status: number;
  readonly #stat: number;

  /** @throws Error where the system does not tell: there is no such process, or no /proc */
  constructor(pid: number) {
    this.#status = openSync(`/proc/${pid}/status`, "r");
    try {
      this.#stat = openSync(`/proc/${pid}/stat`, "r");
    } catch (error) {
      closeSync(this.#status);
      throw error;
    }
  }

  /** Bytes that it holds, or `undefined` when it has ended. */
  heldBytes(): number | undefined {
    const status = read(this.#status);
    // One that has ended and was not yet taken note of has no memory, and no lines about it.
    return status?.includes("\nVmRSS:") === true ? heldIn(status) : undefined;
  }

  /** CPU time that it has used, milliseconds, or `undefined` when it has ended. */
  cpuMs(): number | undefined {
    const stat = read(this.#stat);
    if (stat === undefined) return undefined;
    // The name stands in parentheses and may hold anything, also spaces and parentheses.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[USER_TIME_FIELD]) + Number(fields[USER_TIME_FIELD + 1])) * CLOCK_TICK_MS;
  }

  /** What it uses beyond `baselineBytes`. */
  beyond(baselineBytes: number): Usage {
    const bytes = this.heldBytes();
    return { grownBytes: bytes === undefined ? undefined : bytes - baselineBytes, cpuMs: this.cpuMs() };
  }

  [Symbol.dispose](): void {
    closeSync(this.#status);
    closeSync(this.#stat);
  }
}

/** Bytes that a process holds, by its /proc/PID/status. */
export function heldIn(status: string): number {
  let kibibytes = 0;
  for (const [, count] of status.matchAll(HELD)) kibibytes += Number(count);
  return kibibytes * 1_024;
}

function read(file: number): string | undefined {
  try {
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, MAX_BYTES, 0));
  } catch {
    return undefined; // ESRCH: the process is gone.
  }
}
