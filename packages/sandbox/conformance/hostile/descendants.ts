import { readFileSync, readdirSync } from "node:fs";

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
}

/** Pid, name and parent as `/proc/PID/stat` has them; `undefined` for one that is gone or only waits to be noted. */
function readProcess(pid: number): Process | undefined {
  try {
    const [, name = "", state, parent] =
      /^\d+ \((.*)\) (\S) (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, "latin1")) ?? [];
    return state === "Z" || state === "X" ? undefined : { pid, parent: Number(parent), name };
  } catch {
    return undefined; // It ended between the listing and the look.
  }
}

/** Processes that this one has started, and those that they have, by pid. Empty where /proc is not Linux's. */
export function descendants(): Map<number, string> {
  if (process.platform !== "linux") return new Map();
  const all = readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? (readProcess(Number(name)) ?? []) : []));
  const found = new Map<number, string>();
  let wave = new Set([process.pid]);
  while (wave.size > 0) {
    const next = all.filter(({ parent }) => wave.has(parent));
    for (const { pid, name } of next) found.set(pid, name);
    wave = new Set(next.map(({ pid }) => pid));
  }
  return found;
}
