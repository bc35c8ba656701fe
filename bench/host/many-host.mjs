// A host on a data directory of many plugins, in a process of its own. Each line it reads is a list of plugins to call
// for the first time, "rest" or "count"; each line it writes is the answer in JSON.
//
//   node --expose-gc many-host.mjs DATA_DIR
//
// JavaScript, so that a process on built packages holds nothing that reads types.
import { readdirSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const IDLE_MS = 500;
const [dataDir = ""] = process.argv.slice(2);

const residentMB = () => {
  globalThis.gc?.();
  return process.memoryUsage.rss() / 1e6;
};
const say = (value) => void process.stdout.write(`${JSON.stringify(value)}\n`);

const bareMB = residentMB();
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
const host = await openHost({ dataDir, engines: [isolate()], idleMs: IDLE_MS });
const openMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);

/** How long each of the plugins took to its first answer, ms. */
async function wake(ids) {
  const times = [];
  for (const id of ids) {
    const begunAt = performance.now();
    const answer = await host.call(id, "echo", { text: id });
    times.push(performance.now() - begunAt);
    if (answer.text !== id) throw new Error(`${id} answered with something else`);
  }
  return times;
}

/** Waits until everything hibernates; what is left then. */
async function rest() {
  while ((await host.running()).length > 0) await sleep(50);
  // Statistics and journal write what they hold within a second.
  await sleep(1_500);
  return { residentMB: residentMB(), descriptors: readdirSync("/proc/self/fd").length };
}

say({ bareMB, openMs, openCpuMs: (user + system) / 1_000, openMB: residentMB() });
for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if (asked === "count") say((await host.list()).length);
  else say(asked === "rest" ? await rest() : await wake(asked));
}
await host.close();
