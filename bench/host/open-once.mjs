// Opens a host on a data directory, tells how long that took and what it weighs, and closes it.
// JavaScript, so that a process on built packages holds nothing that reads types.
import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

const [dataDir = ""] = process.argv.slice(2);
const cpuBefore = process.cpuUsage();
const startedAt = performance.now();
const host = await openHost({ dataDir, engines: [isolate()] });
const openMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(cpuBefore);
const cpuMs = (user + system) / 1_000;
const { length: plugins } = await host.list();
// As it idles: what opening left to collect is no part of it.
globalThis.gc?.();
const rssMb = process.memoryUsage.rss() / 1e6;
process.stdout.write(JSON.stringify({ openMs, cpuMs, rssMb, plugins }));
await host.close();
