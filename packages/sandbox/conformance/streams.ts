import assert from "node:assert/strict";
import test from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import type { Limits, SecurityLevel } from "@berth/spec";
import { decodeValue } from "@berth/wire";

import type { BrokerRequest } from "../src/compartment-plan.ts";
import type { EngineDescriptor } from "../src/engine.ts";
import { WINDOW_ITEMS } from "../src/stream-window.ts";
import { openPlugin } from "./open-plugin.ts";
import type { OpenPlugin, OpenStream } from "./open-plugin.ts";

const PLUGIN = `var calls = 0;
var berthPlugin = { actions: {
  echo: (value) => value,
  async *numbers(count) { for (let n = 0; n < count; n++) yield n; },
  *plain(count) { for (let n = 0; n < count; n++) yield { n }; },
  later: async (count) => Array.from({ length: count }, (_, n) => n),
  async *bytes() { yield new Uint8Array([1, 2, 255]); yield { deep: [new Uint8Array([9])] }; },
  async *asked(count, ctx) { for (let n = 0; n < count; n++) { ctx.log.info("asked"); yield n; } },
  async *leaves(value, ctx) { try { for (let n = 0; ; n++) yield n; } finally { await null; ctx.log.info("left"); } },
  async *waits(value, ctx) {
    const aborted = new Promise((resolve, reject) => ctx.signal.addEventListener("abort", () => reject(ctx.signal.reason)));
    try { yield 1; await aborted; } finally { ctx.log.info("left"); }
  },
  async *stores(count, ctx) { for (let n = 0; n < count; n++) { await ctx.storage.put("k", n); yield ctx.storage.get("k"); } },
  async *fails(count) { for (let n = 0; n < count; n++) yield n; throw new RangeError("of the plugin's own"); },
  async *isBad() { yield 1; yield { f() {} }; },
  async *isBig(value, ctx) { try { yield 1; yield "grüße".repeat(200000); } finally { ctx.log.info("left"); } },
  async *hangs() { yield 1; await new Promise(() => {}); },
  async *loops() { yield 1; for (;;); },
  async *reports(count, ctx) { for (let n = 0; n < count; n++) { ctx.progress({ done: n }); yield n; } },
  async *counts() { calls += 1; yield calls; yield calls; },
  noStream: () => 7,
} };`;

const LIMITS: Limits = { memoryMiB: 64, cpuMs: 20_000, wallMs: 30_000 };

async function all({ take, whole }: OpenStream): Promise<unknown[]> {
  const taken: unknown[] = [];
  for (;;) {
    const item = await take();
    if (item === undefined) break;
    taken.push(item);
  }
  await whole;
  return taken;
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

/** Answers in pieces: order, back-pressure, ends of every kind. */
export function streamSuite(
  engine: EngineDescriptor,
  skips: Readonly<Record<string, string>> = {},
  level?: SecurityLevel,
): void {
  const subject = level === undefined ? engine.name : `${engine.name} at ${level}`;
  const it = (sentence: string, run: (bench: OpenPlugin) => Promise<void>, limits = LIMITS): void =>
    void test(`${subject}, streams: ${sentence}`, { skip: skips[sentence] ?? false }, async () => {
      const stored = new Map<string, unknown>();
      const onRequest = async ({ method, value }: BrokerRequest): Promise<unknown> => {
        const { key, value: given } = decodeValue(value) as { key: string; value?: unknown };
        if (method === "storage.put") stored.set(key, given);
        return { value: stored.get(key) };
      };
      const bench = openPlugin(engine, PLUGIN, { limits, onRequest, ...(level !== undefined && { level }) });
      try {
        await run(bench);
      } finally {
        bench.supervisor.close();
      }
    });
  const fails = (sentence: string, action: string, code: string, before: readonly unknown[], limits?: Limits): void =>
    it(
      sentence,
      async ({ stream, call }) => {
        const { take, whole } = stream(action, before.length);
        for (const item of before) assert.deepEqual(await take(), item);
        assert.equal(await take(), undefined);
        await assert.rejects(whole, { code });
        assert.equal(await call("echo", "on"), "on");
      },
      limits,
    );

  it("gives items in their order, and ends", async ({ stream, call, usages }) => {
    const numbers = Array.from({ length: 100 }, (_, n) => n);
    assert.deepEqual(await all(stream("numbers", 100)), numbers);
    assert.deepEqual(await all(stream("numbers", 0)), []);
    assert.deepEqual(await all(stream("plain", 2)), [{ n: 0 }, { n: 1 }]);
    assert.deepEqual(await all(stream("later", 3)), [0, 1, 2]);
    assert.deepEqual(await all(stream("bytes")), [new Uint8Array([1, 2, 255]), { deep: [new Uint8Array([9])] }]);
    assert.deepEqual(await all(stream("stores", 3)), [0, 1, 2]);
    assert.equal(await call("echo", 1), 1);
    assert.equal(usages.length, 1);
  });

  it("asks for no more than nobody took yet", async ({ stream, call, lines }) => {
    const { take, whole } = stream("asked", WINDOW_ITEMS * 2);
    await until(() => lines.length >= WINDOW_ITEMS);
    assert.equal(await call("echo", 1), 1);
    assert.equal(lines.length, WINDOW_ITEMS);
    assert.equal(await take(), 0);
    await until(() => lines.length > WINDOW_ITEMS);
    assert.equal(await call("echo", 1), 1);
    assert.equal(lines.length, WINDOW_ITEMS + 1);
    for (let n = 1; n < WINDOW_ITEMS * 2; n += 1) assert.equal(await take(), n);
    assert.equal(await take(), undefined);
    await whole;
  });

  for (const action of ["leaves", "waits"])
    it(`lets the generator do its last work when it is left: ${action}`, async ({ stream, call, lines }) => {
      const controller = new AbortController();
      const { take, whole } = stream(action, null, controller.signal);
      assert.equal(typeof (await take()), "number");
      controller.abort();
      await assert.rejects(whole, { code: "SANDBOX_CANCELLED" });
      await until(() => lines.some(({ text }) => text === "left"));
      assert.equal(await call("echo", 1), 1);
    });

  it("gives what came before a failure", async ({ stream }) => {
    const { take, whole } = stream("fails", 3);
    await assert.rejects(whole, /RangeError: of the plugin's own/);
    for (let n = 0; n < 3; n += 1) assert.equal(await take(), n);
    assert.equal(await take(), undefined);
  });

  fails("ends with what the plugin throws", "fails", "SANDBOX_PLUGIN_THREW", [0, 1]);
  fails("refuses an item that is not JSON", "isBad", "SANDBOX_PLUGIN_THREW", [1]);
  fails("refuses a handler that returns no iterable", "noStream", "SANDBOX_PLUGIN_THREW", []);
  fails("ends a stream that computes too long", "loops", "SANDBOX_CPU", [1], { ...LIMITS, cpuMs: 300 });

  it(
    "ends a stream whose item is late",
    async ({ stream, call }) => {
      // On a busy machine already the first one may be.
      await assert.rejects(stream("hangs").whole, { code: "SANDBOX_DEADLINE" });
      assert.equal(await call("echo", "on"), "on");
    },
    { ...LIMITS, wallMs: 1_500 },
  );

  it("refuses an item that is too large, after the generator's last work", async ({ stream, call, lines }) => {
    const { take, whole } = stream("isBig");
    assert.equal(await take(), 1);
    await assert.rejects(whole, /RangeError: An item of a stream has 1400002 bytes/);
    assert.deepEqual(
      lines.map(({ text }) => text),
      ["left"],
    );
    assert.equal(await call("echo", 1), 1);
  });

  it("runs several streams and calls at a time", async ({ stream, call }) => {
    const numbers = Array.from({ length: 40 }, (_, n) => n);
    const streams = Array.from({ length: 8 }, () => all(stream("numbers", 40)));
    assert.deepEqual(await Promise.all(numbers.map((n) => call("echo", n))), numbers);
    for (const each of streams) assert.deepEqual(await each, numbers);
  });

  if (engine.callsPerProcess === 1)
    it("keeps its instance for the life of a stream, and begins the next one afresh", async ({ stream }) => {
      for (let n = 0; n < 3; n += 1) assert.deepEqual(await all(stream("counts")), [1, 1]);
    });
}
