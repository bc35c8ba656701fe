import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** Fields of /proc/PID/stat (proc(5)), from the state on. The name before them may hold anything. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined; // It has ended.
  }
}

/** By its number alone it could be another process by now; the launcher's child it is only while both live. */
export function isChildOf(pid: number, parent: number | undefined): boolean {
  if (pid === 0 || pid === parent || parent === undefined) return false;
  return Number(statOf(pid)?.[1]) === parent;
}

/** When a process began, in ticks since boot: a process id is used again, the two together are not. */
export const startTimeOf = (pid: number): string | undefined => statOf(pid)?.[19];

const LOOK_AGAIN_MS = 5;

/**
 * Waits until a process is gone, or nothing but its entry in the table of processes is left. The kernel lets the first
 * process of a namespace come so far only when every other one in it is gone (pid_namespaces(7)).
 */
export async function untilGone(pid: number, startTime: string): Promise<void> {
  for (;;) {
    const stat = statOf(pid);
    if (stat === undefined || stat[19] !== startTime || stat[0] === "Z" || stat[0] === "X") return;
    await wait(LOOK_AGAIN_MS);
  }
}
