import { readFileSync } from "node:fs";

const PAGE_BYTES = 4_096;

/** Resident bytes of a process, or `undefined` where the system does not tell (it ended, or there is no /proc). */
export function residentBytes(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, "latin1").split(" ")[1]) * PAGE_BYTES;
  } catch {
    return undefined;
  }
}
