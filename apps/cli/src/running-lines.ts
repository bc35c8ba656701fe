import type { RunningPlugin, RunningProcess } from "@berth/host";

/** What runs in a host, for people: a line for each plugin, then one for each process. */
export function formatRunning(plugins: readonly RunningPlugin[], processes: readonly RunningProcess[]): string[] {
  return [...plugins.map(pluginLine), ...processes.map(processLine)];
}

/** Counts with their noun, such as `1 call` and `0 calls`. */
export const counted = (count: number, one: string, many = `${one}s`): string => `${count} ${count === 1 ? one : many}`;

export const mebibytes = (bytes: number): string => `${(bytes / 1_048_576).toFixed(1)} MiB`;

function pluginLine(running: RunningPlugin): string {
  const { plugin, processes, memoryBytes, callsUnderWay, callsWaiting, losses, isSuspect } = running;
  const memory = memoryBytes === undefined ? ", memory not told apart" : `, ${mebibytes(memoryBytes)} for itself`;
  return [
    `${plugin}  ${counted(callsUnderWay, "call")} under way, ${callsWaiting} waiting`,
    `${counted(processes, "process", "processes")}${processes === 0 ? "" : memory}`,
    `${counted(losses, "loss", "losses")} since the host started`,
    ...(isSuspect ? ["runs alone as a suspect"] : []),
  ].join(", ");
}

function processLine({ pid, engine, level, plugins, callsUnderWay, heldBytes }: RunningProcess): string {
  const memory = heldBytes === undefined ? "memory unknown" : `${mebibytes(heldBytes)} in all`;
  return `  process ${pid}  ${engine} at ${level}, ${memory}, ${counted(callsUnderWay, "call")}: ${plugins.join(", ")}`;
}
