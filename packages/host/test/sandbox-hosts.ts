import { readFileSync, readdirSync } from "node:fs";

/** Kills the sandbox hosts of this process, as a crash of the engine would. */
export function killSandboxHosts(): void {
  for (const task of readdirSync("/proc/self/task")) {
    const children = readFileSync(`/proc/self/task/${task}/children`, "utf8").trim();
    for (const pid of children === "" ? [] : children.split(" ")) process.kill(Number(pid), "SIGKILL");
  }
}

/** Waits until a condition holds, for as long as a busy machine may need. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = performance.now() + 30_000; !(await holds());) {
    if (performance.now() > deadline) throw new Error(`never came: ${holds.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
