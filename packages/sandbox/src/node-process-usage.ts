import { readFileSync } from "node:fs";

const PAGE_BYTES = 4_096;
/** Linux counts a process's time in hundredths of a second, whatever its own clock is (`getconf CLK_TCK`). */
const CLOCK_TICK_MS = 10;
/** Fields of /proc/PID/stat after the name: user time is the 12th, system time the 13th (proc(5): 14 and 15). */
const USER_TIME_FIELD = 11;

/** Resident bytes of a process, or `undefined` where the system does not tell (it ended, or there is no /proc). */
export function residentBytes(pid: number): number | undefined {
  const statm = readProc(pid, "statm");
  return statm === undefined ? undefined : Number(statm.split(" ")[1]) * PAGE_BYTES;
}

/** CPU time that a process has used, milliseconds, or `undefined` where the system does not tell. */
export function processCpuMs(pid: number): number | undefined {
  const stat = readProc(pid, "stat");
  if (stat === undefined) return undefined;
  // The name stands in parentheses and may hold anything, also spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[USER_TIME_FIELD]) + Number(fields[USER_TIME_FIELD + 1])) * CLOCK_TICK_MS;
}

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return undefined; // No such process, or no such file system: the callers' answer is "unknown".
  }
}
