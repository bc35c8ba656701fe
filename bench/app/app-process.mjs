// An app with one route, as a process of its own. Each line it reads is a word, each line it writes an answer in JSON:
//
//   app-process.mjs bare|berth DATA_DIR
//   "watch"    looks at its event loop from now on
//   "seen"     what it saw since, ms
//   "hostile"  has one plugin loop and one allocate without end, again and again, until "calm"
//
// JavaScript, so that a process on built packages holds nothing that reads types.
import { createInterface } from "node:readline";
import { monitorEventLoopDelay } from "node:perf_hooks";

import fastify from "fastify";

const [kind = "", dataDir = ""] = process.argv.slice(2);
const say = (value) => void process.stdout.write(`${JSON.stringify(value)}\n`);
const HOSTILE = ["hostile.loops", "hostile.allocates"];

/** What an ordinary route does: it computes a little and answers some 4 KB. */
function answerOf(seed) {
  const rows = Array.from({ length: 64 }, (_, index) => ({
    id: index,
    key: (seed * 31 + index * 17) % 997,
    name: `row ${index}`,
  }));
  return { rows: rows.toSorted((a, b) => a.key - b.key) };
}

async function openPlugins() {
  const { isolate } = await import("@berth/engine-isolate");
  const { openHost } = await import("@berth/host");
  // Nothing hibernates during the run: idle plugins that are loaded are the harder case.
  const host = await openHost({ dataDir, engines: [isolate()], idleMs: 3_600_000 });
  for (const { id } of await host.list()) if (!HOSTILE.includes(id)) await host.call(id, "echo", { text: id });
  return host;
}

const host = kind === "berth" ? await openPlugins() : undefined;
let isHostile = false;
let ended = 0;

/** Calls one hostile plugin as soon as its last call has ended, and takes it out of quarantine as an operator would. */
async function torment(id) {
  while (isHostile) {
    try {
      await host.call(id, "echo", { text: "" });
    } catch (error) {
      if (error.code === "HOST_PLUGIN_NOT_ENABLED") await host.enable(id);
      else ended += 1;
    }
  }
}

const app = fastify();
app.get("/work/:seed", async (request) => answerOf(Number(request.params.seed)));
await app.listen({ host: "127.0.0.1", port: 0 });
const delay = monitorEventLoopDelay({ resolution: 1 });
say({ port: app.server.address().port, plugins: host === undefined ? 0 : (await host.list()).length });

let tormented = [];
for await (const word of createInterface({ input: process.stdin })) {
  if (word === "watch") {
    delay.reset();
    delay.enable();
    say(true);
  } else if (word === "seen") {
    delay.disable();
    say({ maxMs: delay.max / 1e6, p999Ms: delay.percentile(99.9) / 1e6 });
  } else if (word === "hostile") {
    isHostile = true;
    ended = 0;
    tormented = HOSTILE.map(torment);
    say(true);
  } else {
    isHostile = false;
    // What is under way ends by its limits.
    await Promise.all(tormented);
    say({ ended });
  }
}
await app.close();
await host?.close();
