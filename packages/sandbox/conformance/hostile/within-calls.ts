import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Limits } from "@berth/spec";

import type { EngineDescriptor } from "../../src/engine.ts";
import { openPlugin } from "../open-plugin.ts";
import type { OpenPlugin } from "../open-plugin.ts";

const LIMITS: Limits = { memoryMiB: 16, cpuMs: 200, wallMs: 20_000 };

/** Attacks on "a plugin works within calls, and every call pays for its own work". */
const PLUGIN = `
let ticks = 0;
setInterval(() => { ticks += 1; }, 1);
const burn = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
/** Runs when the answer of the action that called it is already on its way. */
const afterAnswer = (work) => { let later = Promise.resolve(); for (let i = 0; i < 50; i++) later = later.then(() => {}); later.then(work); };
var berthPlugin = { actions: {
  echo: (value) => value,
  ticks: () => ticks,
  async leaveInterval() { afterAnswer(() => setInterval(() => { ticks += 1; }, 1)); return "answered"; },
  async burnAfterAnswer() { afterAnswer(() => { for (let i = 0; i < 40; i++) console.log("flush"); burn(6000); }); return "answered"; },
  async loopAfterAnswer() { afterAnswer(() => { for (let i = 0; i < 40; i++) console.log("flush"); for (;;); }); return "answered"; },
  async loopThatAsks(value, ctx) { for (;;) { for (let i = 0; i < 16; i++) ctx.storage.get("k"); burn(25); } },
  loopThatLogs() { for (;;) { for (let i = 0; i < 16; i++) console.log("k"); burn(25); } },
  guarded(value) { setTimeout(() => {}, 60_000); return value; },
  waits: (ms) => new Promise((wake) => setTimeout(() => wake("woken"), ms)),
  rejectsInTimer: (ms) => new Promise(() => setTimeout(() => { Promise.reject(new RangeError("unhandled")); }, ms)),
  loop() { for (;;); },
  throwsInTimer: (ms) => new Promise(() => setTimeout(() => { throw new RangeError("from a timer"); }, ms)),
} };`;

/** `skips` maps a sentence to a reason. */
export function withinCallsSuite(engine: EngineDescriptor, skips: Readonly<Record<string, string>> = {}): void {
  const it = (sentence: string, run: (plugin: OpenPlugin) => Promise<void>, limits = LIMITS): void =>
    void test(`${engine.name}, hostile: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const plugin = openPlugin(engine, PLUGIN, { limits });
      try {
        await run(plugin);
      } finally {
        plugin.supervisor.close();
      }
    });

  const overdraws = (sentence: string, action: string): void =>
    it(sentence, async ({ call }) => {
      await assert.rejects(call(action), { code: "SANDBOX_CPU" });
      assert.equal(await call("echo", "still here"), "still here");
    });

  it("an interval that is set while loading never fires, and its author is told", async ({ call, lines }) => {
    await call("waits", 30);
    await sleep(50);
    assert.equal(await call("ticks"), 0);
    assert.match(lines.map(({ text }) => text).join(), /outside a call never fires/);
  });

  it("an interval that is set after the answer never fires", async ({ call }) => {
    assert.equal(await call("leaveInterval"), "answered");
    await sleep(100);
    await call("waits", 30);
    assert.equal(await call("ticks"), 0);
  });

  overdraws("work after the answer is charged to its call", "burnAfterAnswer");
  overdraws("a loop after the answer is ended as a part of its call", "loopAfterAnswer");
  overdraws("a loop that asks the broker all the time is seen to loop", "loopThatAsks");
  overdraws("a loop that logs all the time is seen to loop", "loopThatLogs");

  it("calls that leave timers behind do not use them up", async ({ call }) => {
    for (let count = 0; count < 1_100; count += 1) assert.equal(await call("guarded", count), count);
  });

  it("an error in a timer fails the only call under way, and none when there are two", async ({ call, lines }) => {
    await assert.rejects(call("throwsInTimer", 1), /RangeError: from a timer/);
    const waiting = call("waits", 60);
    const never = call("throwsInTimer", 1);
    never.catch(() => undefined);
    assert.equal(await waiting, "woken");
    assert.ok(lines.some(({ level, text }) => level === "error" && text.includes("from a timer")));
  });

  it("a rejection that nobody handles fails the only call under way, and none when there are two", async ({ call }) => {
    await assert.rejects(call("rejectsInTimer", 1), /RangeError: unhandled/);
    const never = call("rejectsInTimer", 1);
    never.catch(() => undefined);
    assert.equal(await call("waits", 60), "woken");
  });

  it("an answer is not lost to the neighbour who is entered next and never returns", async (plugin) => {
    const neighbour = openPlugin(engine, PLUGIN, { limits: LIMITS, supervisor: plugin.supervisor });
    await Promise.all([plugin.call("echo"), neighbour.call("echo")]);
    // One: neighbours enter in turns, so a second one would come after the loop.
    const answer = plugin.call("echo", 1);
    const loop = neighbour.call("loop");
    loop.catch(() => undefined);
    assert.equal(await answer, 1);
    await assert.rejects(loop, { code: "SANDBOX_CPU" });
  });

  it("a caller who leaves while the plugin is loaded does not wait for it", async ({ supervisor }) => {
    const slow = openPlugin(engine, "for (;;);", { limits: { ...LIMITS, cpuMs: 10_000 }, supervisor });
    // Who waited would hear of the CPU time instead.
    await assert.rejects(slow.call("x", null, AbortSignal.timeout(100)), { code: "SANDBOX_CANCELLED" });
  });

  it(
    "twenty thousand answers of 10 KB leave no memory behind",
    async ({ call }) => {
      const text = "x".repeat(10_000);
      let left = 20_000;
      const work = async (): Promise<void> => {
        for (; left > 0; left -= 1) assert.equal(await call("echo", text), text);
      };
      await Promise.all(Array.from({ length: 16 }, work));
    },
    { memoryMiB: 32, cpuMs: 5_000, wallMs: 30_000 },
  );
}
