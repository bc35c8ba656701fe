import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** Settings that the kernel itself moves. */
const MOVES =
  /(?:random|_nr|nr$|state$|count$|ns_last_pid|-nr$|usage|pty|loadavg|dirty|flush|tcp_mem|udp_mem|fs\/quota)/;
const MAX_DEPTH = 8;

/** Every setting under /proc/sys that can be read, and what is mounted and loaded: to be equal before and after. */
export function readMachineSettings(): Map<string, string> {
  const settings = new Map<string, string>();
  const read = (path: string): void => {
    try {
      settings.set(path, readFileSync(path, "latin1"));
    } catch {
      settings.set(path, "unreadable"); // Some are for writing only.
    }
  };
  const walk = (folder: string, depth: number): void => {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const path = join(folder, entry.name);
      if (MOVES.test(path)) continue;
      if (entry.isDirectory() && depth < MAX_DEPTH) walk(path, depth + 1);
      else if (entry.isFile()) read(path);
    }
  };
  walk("/proc/sys", 0);
  for (const path of ["/proc/self/mounts", "/proc/modules", "/proc/net/route", "/etc/passwd", "/etc/group"]) read(path);
  for (const path of ["/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg"]) {
    read(path);
    // Key, number and rights; the other columns tell who uses it just now.
    settings.set(path, (settings.get(path) ?? "").replaceAll(/^(\s*\S+\s+\S+\s+\S+).*$/gm, "$1"));
  }
  return settings;
}

/**
 * The same for machines on which other programs are at work, whose shared memory and queues come and go. Empty where
 * there is no such folder.
 */
export function machineSettings(): ReadonlyMap<string, string> {
  if (process.platform !== "linux") return new Map();
  return new Map([...readMachineSettings()].filter(([path]) => !path.startsWith("/proc/sysvipc/")));
}
