// A host on a data directory of many plugins, in a process of its own: what it weighs when nobody calls.
import { setTimeout as sleep } from "node:timers/promises";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const IDLE_MS = 500;
const CALLS = 50;
const [dataDir = "", count = "0"] = process.argv.slice(2);

const rssMB = (): number => {
  globalThis.gc?.();
  return process.memoryUsage().rss / 1e6;
};
const bareMB = rssMB();
const startedAt = performance.now();
const host = await openHost({ dataDir, engines: [isolate()], idleMs: IDLE_MS, spares: 0 });
const openMs = performance.now() - startedAt;
const openMB = rssMB();
for (let index = 0; index < CALLS; index += 1) {
  const id = `bench.p${Math.floor((index * Number(count)) / CALLS)}`;
  const answer = (await host.call(id, "echo", { text: id })) as { text: string };
  if (answer.text !== id) throw new Error(`${id} answered with something else`);
}
while ((await host.running()).length > 0) await sleep(50);
await sleep(1_000);
process.stdout.write(`${JSON.stringify({ bareMB, openMs, openMB, idleMB: rssMB() })}\n`);
await host.close();
