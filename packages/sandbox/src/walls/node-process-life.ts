import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

const GONE = ["ENOENT", "ESRCH"];

/**
 * Fields of /proc/PID/stat (proc(5)), from the state on. The name before them may hold anything. `undefined` when it has
 * ended, `"unknown"` when the system does not tell: this process has no descriptor left, or may not look.
 */
function lookAt(pid: number): readonly string[] | "unknown" | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    return GONE.includes((error as NodeJS.ErrnoException).code ?? "") ? undefined : "unknown";
  }
}

/** By its number alone it could be another process by now; the launcher's child it is only while both live. */
export function isChildOf(pid: number, parent: number | undefined): boolean {
  if (pid === 0 || pid === parent || parent === undefined) return false;
  const stat = lookAt(pid);
  return stat !== "unknown" && Number(stat?.[1]) === parent;
}

/** A process by its number, which is used again, and its beginning in ticks since boot: the two together are not. */
export interface ProcessIdentity {
  readonly processId: number;
  /** `undefined` when it was not told; then the number alone counts. */
  readonly startTime: string | undefined;
}

export function identify(processId: number): ProcessIdentity {
  const stat = lookAt(processId);
  return { processId, startTime: stat === "unknown" ? undefined : stat?.[19] };
}

/** What there is to see of that very process, as `lookAt`. */
function lookAgain({ processId, startTime }: ProcessIdentity): readonly string[] | "unknown" | undefined {
  const stat = lookAt(processId);
  if (stat === undefined || stat === "unknown" || startTime === undefined) return stat;
  return stat[19] === startTime ? stat : undefined;
}

/** SIGKILL, unless it has ended. */
export function killProcess(known: ProcessIdentity): void {
  if (lookAgain(known) !== undefined) signal(known.processId);
}

/** SIGKILL to a leader and its process group, also when the leader has ended and others of the group have not. */
export function killGroup(leader: ProcessIdentity): void {
  // While a group has members, no new process gets its number: whoever has it now came when nobody was left.
  const isAnother = lookAt(leader.processId) !== undefined && lookAgain(leader) === undefined;
  if (!isAnother) signal(-leader.processId);
}

function signal(number: number): void {
  try {
    process.kill(number, "SIGKILL");
  } catch {
    // It has ended already, or it belongs to a user whom only its launcher may signal.
  }
}

const LOOK_AGAIN_MS = 5;

/**
 * Waits until a process is gone, or nothing but its entry in the table of processes is left. The kernel lets the first
 * process of a namespace come so far only when every other one in it is gone (pid_namespaces(7)).
 */
export async function untilGone(known: ProcessIdentity): Promise<void> {
  if (known.startTime === undefined) return; // It had ended when its number was told, or it cannot be looked at.
  for (;;) {
    const stat = lookAgain(known);
    if (stat === undefined || stat[0] === "Z" || stat[0] === "X") return;
    await wait(LOOK_AGAIN_MS);
  }
}
