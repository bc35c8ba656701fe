import { readFileSync, readdirSync } from "node:fs";

const PAGE_BYTES = 4_096;

/** Resident bytes of all processes that came from this one, or `undefined` where the system does not tell. */
export function descendantBytes(): number | undefined {
  try {
    const parents = new Map<number, number>();
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      const parent = Number.isInteger(pid) ? parentOf(pid) : undefined;
      if (parent !== undefined) parents.set(pid, parent);
    }
    const isOurs = (pid: number): boolean => {
      const parent = parents.get(pid);
      return parent !== undefined && parent !== 0 && (parent === process.pid || isOurs(parent));
    };
    return [...parents.keys()].filter(isOurs).reduce((sum, pid) => sum + residentBytes(pid), 0);
  } catch {
    return undefined; // No /proc on this system.
  }
}

function parentOf(pid: number): number | undefined {
  const stat = tryRead(pid, "stat");
  // The name stands in parentheses and may hold anything; the state and then the parent follow.
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

const residentBytes = (pid: number): number => Number(tryRead(pid, "statm")?.split(" ")[1] ?? 0) * PAGE_BYTES;

function tryRead(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "latin1");
  } catch {
    return undefined; // It ended meanwhile.
  }
}
