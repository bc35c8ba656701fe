import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { isolate } from "@berth/engine-isolate";
import { Supervisor } from "@berth/sandbox";
import { decodeValue, encodeValue } from "@berth/wire";

/** Longer than a process waits before it holds its rehearsal. */
const WAIT_MS = 1_500;
/** What a rehearsal could have left behind: a plugin, its calls, its globals. */
const CODE = `var globals = Object.getOwnPropertyNames(globalThis).sort().join();
  var calls = 0;
  var berthPlugin = { actions: { look: () => { calls += 1; return { calls, globals, hasEcho: typeof echo }; } } };`;

async function look(spares: number): Promise<{ seen: unknown; lines: string[] }> {
  const lines: string[] = [];
  const supervisor = new Supervisor({ spares });
  try {
    if (spares > 0) {
      await supervisor.warm(isolate(), "minimal");
      await sleep(WAIT_MS);
    }
    const compartment = supervisor.open({
      plugin: "first",
      packKey: "first",
      engine: isolate(),
      level: "minimal",
      code: new TextEncoder().encode(CODE),
      sourceName: "plugin.js",
      limits: { memoryMiB: 32, cpuMs: 5_000, wallMs: 30_000 },
      onRequest: () => Promise.reject(new Error("nothing is asked for")),
      onLog: ({ text }) => lines.push(text),
    });
    const call = { action: "look", input: encodeValue(null), caller: undefined, about: "{}" };
    return { seen: decodeValue(await compartment.call(call)), lines };
  } finally {
    supervisor.close();
  }
}

test("the first plugin of a process that held a rehearsal finds what it finds in a new one", async () => {
  const [fresh, rehearsed] = await Promise.all([look(0), look(1)]);
  assert.deepEqual(rehearsed, fresh);
  assert.deepEqual(rehearsed.lines, []);
  const { calls, hasEcho } = rehearsed.seen as { calls: number; hasEcho: string };
  assert.deepEqual([calls, hasEcho], [1, "undefined"]);
});
