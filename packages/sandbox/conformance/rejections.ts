import assert from "node:assert/strict";
import test from "node:test";

import type { SecurityLevel } from "@berth/spec";

import { SandboxError } from "../src/errors.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { openPlugin } from "./open-plugin.ts";
import type { OpenPlugin } from "./open-plugin.ts";

const LIMITS = { memoryMiB: 64, cpuMs: 10_000, wallMs: 30_000 };

const PLUGIN = `
const tick = () => new Promise((wake) => setTimeout(wake, 1));
const nobody = () => Promise.reject(new RangeError("nobody looks"));
var berthPlugin = { actions: {
  echo: (value) => value,
  forgotten: async () => { nobody(); await tick(); return "answered"; },
  forgottenAtOnce: () => { nobody(); return "answered"; },
  forgottenAtTheEnd: async () => { await tick(); nobody(); return "answered"; },
  words: async () => { Promise.reject("only words"); await tick(); },
  tooLate: async () => { const late = nobody(); await tick(); return late.catch(() => "caught"); },
  microtask: async () => { queueMicrotask(() => { throw new TypeError("in a microtask"); }); await tick(); return "answered"; },
  chain: async () => { nobody().then(() => {}).finally(() => {}); await tick(); return "answered"; },
  inListener: async () => { const c = new AbortController(); c.signal.onabort = () => { throw new RangeError("in a listener"); }; c.abort(); await tick(); },
  ofTheBroker: async (value, ctx) => { ctx.storage.get("x"); await ctx.storage.get("y").catch(() => {}); await tick(); return "answered"; },
  handledSoon: async () => { const soon = nobody(); await null; await null; return soon.catch((error) => error.message); },
  handledByRace: async () => Promise.race([nobody(), "x"]).catch(() => "caught"),
  handledByAll: async () => (await Promise.allSettled(Array.from({ length: 20000 }, nobody))).length,
  handledEach: async () => { let caught = 0; for (let i = 0; i < 20000; i++) try { await nobody(); } catch { caught += 1; } return caught; },
} };`;

/** A rejection that nobody handled when the guest came to rest fails its call, as it ends a process of Node. */
export function rejectionSuite(
  engine: EngineDescriptor,
  skips: Readonly<Record<string, string>> = {},
  level?: SecurityLevel,
): void {
  const subject = level === undefined ? engine.name : `${engine.name} at ${level}`;
  const it = (sentence: string, run: (plugin: OpenPlugin) => Promise<void>): void =>
    void test(`${subject}: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const plugin = openPlugin(engine, PLUGIN, {
        limits: LIMITS,
        onRequest: () => Promise.reject(new SandboxError("SANDBOX_CLOSED", "the broker refuses")),
        ...(level !== undefined && { level }),
      });
      try {
        await run(plugin);
      } finally {
        plugin.supervisor.close();
      }
    });

  const fails = (sentence: string, action: string, name: string, words: string): void =>
    it(sentence, async ({ call }) => {
      await assert.rejects(call(action), (error: unknown) => {
        assert.ok(error instanceof SandboxError);
        assert.equal(error.code, "SANDBOX_PLUGIN_THREW");
        const failure = error.details?.["plugin"] as { name: string; message: string };
        assert.deepEqual([failure.name, failure.message], [name, words]);
        return true;
      });
      assert.equal(await call("echo", "still here"), "still here");
    });

  const lasts = (sentence: string, action: string, answer: unknown): void =>
    it(sentence, async ({ call }) => assert.deepEqual(await call(action), answer));

  fails("a rejection that nobody handles fails the call", "forgotten", "RangeError", "nobody looks");
  fails("a rejection beside an answer at once fails the call", "forgottenAtOnce", "RangeError", "nobody looks");
  fails("a rejection beside the answer fails the call", "forgottenAtTheEnd", "RangeError", "nobody looks");
  fails("a rejection with words tells the words", "words", "Error", "only words");
  fails("a rejection that is handled after a timer is too late", "tooLate", "RangeError", "nobody looks");
  fails("an error in a microtask fails the call", "microtask", "TypeError", "in a microtask");
  fails("a rejection at the end of a chain fails the call", "chain", "RangeError", "nobody looks");
  fails("an error in an abort listener fails the call", "inListener", "RangeError", "in a listener");
  lasts("a rejection that is handled some microtasks later is handled", "handledSoon", "nobody looks");
  lasts("a rejection that a race hands on is handled", "handledByRace", "caught");
  lasts("20,000 rejections that are handled together are handled", "handledByAll", 20_000);
  lasts("20,000 rejections that are handled one by one are handled", "handledEach", 20_000);

  it("a refusal of the broker that nobody handles fails the call", async ({ call }) => {
    await assert.rejects(call("ofTheBroker"), { code: "SANDBOX_PLUGIN_THREW", message: /the broker refuses/ });
  });

  it("a rejection that nobody handles while loading refuses the plugin", async ({ supervisor }) => {
    const code = 'Promise.reject(new RangeError("at load")); var berthPlugin = { actions: { x: () => 1 } };';
    const plugin = openPlugin(engine, code, { limits: LIMITS, supervisor, ...(level !== undefined && { level }) });
    await assert.rejects(plugin.call("x"), { code: "SANDBOX_LOAD_FAILED" });
  });
}
