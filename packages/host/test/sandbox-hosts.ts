import { readFileSync } from "node:fs";

import { descendants } from "../../sandbox/conformance/hostile/descendants.ts";

/** What starts sandbox hosts is no sandbox host. */
function isStarter(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("starter.cjs");
  } catch {
    return false; // It has ended.
  }
}

/** How many sandbox hosts this process has, launchers not counted. */
export function countSandboxHosts(): number {
  return [...descendants()].filter(([pid, name]) => name !== "bwrap" && !isStarter(pid)).length;
}

/** Kills the sandbox hosts of this process, as a crash of the engine would. */
export function killSandboxHosts(): void {
  for (const pid of descendants().keys()) {
    if (isStarter(pid)) continue;
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It fell with its launcher.
    }
  }
}

/** Waits until a condition holds, for as long as a busy machine may need. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await holds());) {
    if (performance.now() > deadline) throw new Error(`never came: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
