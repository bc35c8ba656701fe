import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const TICK_MS = 10;

/** CPU time that a process and its children have used, in ms; to a tick of 10 ms. Linux only. */
export function cpuMsOf(pid: number): number {
  let total = 0;
  const wanted = new Set([pid]);
  // Children come after their parents in the order of ids, which holds for servers started just before.
  for (const name of readdirSync("/proc")
    .filter((each) => /^\d+$/.test(each))
    .toSorted((a, b) => Number(a) - Number(b))) {
    let text: string;
    try {
      text = readFileSync(`/proc/${name}/stat`, "utf8");
    } catch {
      continue; // It ended while the list was read.
    }
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    if (!wanted.has(Number(name)) && !wanted.has(Number(fields[1]))) continue;
    wanted.add(Number(name));
    total += (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  }
  return total;
}

/** Resident memory of a process in MB. */
export const rssMbOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1_024;

/** A server under load. */
export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  stop(): Promise<void>;
}

/** Takes hold of a child that serves `url`. */
export function serverProcess(child: ChildProcess, url: string): ServerProcess {
  const exited = once(child, "exit");
  return {
    pid: child.pid ?? 0,
    url,
    async stop() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

/** Starts Berth's registry on a folder. */
export async function startBerth(dataDir: string): Promise<ServerProcess & { operatorToken: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "serve-registry.ts"), dataDir], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { url, operatorToken } = JSON.parse(line.toString()) as { url: string; operatorToken: string };
  return { ...serverProcess(child, url), operatorToken };
}

/** What one run of requests cost. */
export interface Load {
  /** Milliseconds of each request, sorted. */
  readonly times: readonly number[];
  /** CPU of the server for each request, ms. */
  readonly cpuMs: number;
  readonly bytesEach: number;
}

const run = promisify(execFile);

/** Sends `count` requests over some connections and measures the server. */
export async function load(
  server: ServerProcess,
  path: string,
  {
    count,
    connections = 10,
    headers = {},
    status = 200,
  }: { count: number; connections?: number; headers?: object; status?: number },
): Promise<Load> {
  const before = cpuMsOf(server.pid);
  const { stdout } = await run(
    process.execPath,
    [
      join(import.meta.dirname, "load.ts"),
      `${server.url}/${path}`,
      String(count),
      String(connections),
      JSON.stringify(headers),
    ],
    { maxBuffer: 256 * 1_048_576 },
  );
  const cpuMs = (cpuMsOf(server.pid) - before) / count;
  const { times, statuses, bytes } = JSON.parse(stdout) as {
    times: number[];
    statuses: Record<string, number>;
    bytes: number;
  };
  if (statuses[status] !== count)
    throw new Error(`${path}: expected ${count} × ${status}, found ${JSON.stringify(statuses)}`);
  return { times: times.toSorted((a, b) => a - b), cpuMs, bytesEach: bytes / count };
}
