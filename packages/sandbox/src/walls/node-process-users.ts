import { readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { setImmediate as nextTurn, setTimeout as wait } from "node:timers/promises";

const MAX_ROUNDS = 100;
const ROUND_WAIT_MS = 10;
/** About 1 ms. */
const READS_PER_TURN = 50;

interface Look {
  /** Real, effective, saved and file-system user of every process. */
  readonly users: ReadonlyMap<number, readonly number[]>;
  /** Processes that came since the look before and ended before they were seen: they may have left others behind. */
  readonly missed: number;
}

/**
 * Looks at whose processes there are. A hostile process can be hard to see: one that starts its successor and ends, time
 * and again, is always there and never has a number for long, and one whose first thread has ended looks as if it
 * had ended itself.
 */
class ProcessUsers {
  /** Seen in the look before, so whatever happens to them is no news. */
  #known = new Set<number>();

  async look(): Promise<Look> {
    const users = new Map<number, number[]>();
    const seen = new Set<number>();
    let missed = 0;
    const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name)).map(Number);
    const isNew = (pid: number): boolean => !this.#known.has(pid);
    // New ones first: they are the ones that may be gone in a moment.
    for (const [index, pid] of [...pids.filter(isNew), ...pids.filter((pid) => !isNew(pid))].entries()) {
      // The kernel answers from memory: waiting for it costs several times the answer. But nobody else waits long.
      if (index % READS_PER_TURN === READS_PER_TURN - 1) await nextTurn();
      const status = readStatus(pid);
      if (status === "") {
        if (isNew(pid)) missed += 1;
        continue;
      }
      seen.add(pid);
      // One that has just ended may have started another meanwhile; the next look finds that one.
      if (hasEnded(status) && !isNew(pid)) continue;
      users.set(pid, usersOf(status));
    }
    this.#known = seen;
    return { users, missed };
  }
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "latin1");
  } catch {
    return ""; // It ended meanwhile.
  }
}

const usersOf = (status: string): number[] => /^Uid:\s+(.+)$/m.exec(status)?.[1]?.split(/\s+/).map(Number) ?? [];

/** The state is that of the first thread; others may go on. */
const hasEnded = (status: string): boolean =>
  /^State:\s+[ZX]/m.test(status) && Number(/^Threads:\s+(\d+)$/m.exec(status)?.[1] ?? 0) <= 1;

/**
 * Every user that a process has.
 *
 * @throws Error when processes come and go so fast that some remain unseen
 */
export async function usersInUse(): Promise<Set<number>> {
  const processes = new ProcessUsers();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { users, missed } = await processes.look();
    // In the first look those that have ended count as well; where nobody takes note of their end, they stay for good.
    if (round > 0 && missed === 0) return new Set([...users.values()].flat());
  }
  throw new Error("processes come and go too fast to see whose they are");
}

/**
 * Ends every process of a user of a sandbox host. A hostile one may have started others, which its own end leaves
 * alive where no namespace holds them; the user must not pass on before they are gone.
 *
 * @returns whether all are gone
 */
export async function endProcessesOf(userId: number): Promise<boolean> {
  const processes = new ProcessUsers();
  // Each round finds what was started during the one before; the user's limit on processes bounds it.
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const { users, missed } = await processes.look();
    const found = [...users].filter(([, ids]) => ids.includes(userId));
    if (found.length === 0 && missed === 0) return true;
    for (const [pid] of found) {
      // Its number may be another's by now.
      if (!usersOf(readStatus(pid)).includes(userId)) continue;
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It ended by itself.
      }
    }
    await wait(ROUND_WAIT_MS);
  }
  return false;
}
