// Progress, streams and limits of actions, at every level.
import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { wasm } from "@berth/engine-wasm";
import type { Host, HostOptions, Progress } from "@berth/host";
import { SECURITY_LEVELS, statedPermissionSchema } from "@berth/spec";
import type { SecurityLevel } from "@berth/spec";

import { install, makePackage, withHost } from "../fixture.ts";
import { engineOf, whyNot } from "../levels.ts";
import { until } from "../sandbox-hosts.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  echo: (value) => value,
  loop() { for (;;); },
  never: () => new Promise(() => {}),
  fill: () => { const kept = []; for (;;) kept.push(new Uint8Array(1048576).fill(1)); },
  memory: (mebibytes) => { const kept = []; for (let n = 0; n < mebibytes; n++) kept.push(new Uint8Array(1048576).fill(1)); return kept.length; },
  tells(steps, ctx) { for (let done = 1; done <= steps; done++) ctx.progress({ done, total: steps }); return steps; },
  async *numbers(count, ctx) { try { for (let n = 0; n < count; n++) yield n; } finally { ctx.log.info("over"); } },
  async *lies() { yield 1; yield "a text where a number was promised"; yield 2; },
  async *stays() { yield 1; await new Promise(() => {}); },
  async *hangs() { yield 1; await new Promise(() => {}); },
  async *asks(value, ctx) { for (;;) { try { yield await ctx.secrets.reveal("one"); } catch (error) { yield error.code; } } },
} };`;
const stream = { input: true, output: true, streams: true };
const ACTIONS = {
  echo: any,
  loop: { ...any, limits: { cpuMs: 100 } },
  never: { ...any, limits: { wallMs: 300 } },
  fill: { ...any, limits: { memoryMiB: 16 } },
  memory: { ...any },
  tells: any,
  numbers: stream,
  lies: { ...stream, output: { type: "number" } },
  hangs: { ...stream, limits: { streamMs: 1_000 } },
  stays: stream,
  asks: stream,
};

const codeOf = (error: unknown): string => (error as { code?: string }).code ?? String(error);

const stated = { name: "secrets_access", names: ["one"], reveal: true };
const permission = statedPermissionSchema.parse(stated);
const demo = (level: SecurityLevel): Uint8Array =>
  makePackage({
    code: CODE,
    manifest: {
      level,
      permissions: [{ ...stated, optional: true, reason: "to test" }],
      secrets: ["one"],
      contributes: { actions: ACTIONS },
      limits: { cpuMs: 20_000, wallMs: 60_000, memoryMiB: 64 },
    },
  });

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const taken: unknown[] = [];
  for await (const item of items) taken.push(item);
  return taken;
}

for (const level of SECURITY_LEVELS) {
  const it = (sentence: string, work: (host: Host<string>, lines: string[]) => Promise<void>): void =>
    void test(`${level}: ${sentence}`, async (t) => {
      const reason = await whyNot(level);
      if (reason !== undefined) return t.skip(reason);
      const lines: string[] = [];
      const options: Partial<HostOptions<string>> = {
        engines: [engineOf(level)],
        policy: { level: "minimal" },
        onLog: ({ text }) => lines.push(text),
      };
      await withHost(async (host) => {
        await install(host, demo(level));
        await work(host, lines);
      }, options);
    });

  it("tells the embedding program how far a call has come", async (host) => {
    const heard: Progress[] = [];
    const onProgress = (progress: Progress): unknown => heard.push(progress);
    assert.equal(await host.call("acme.demo", "tells", 3, { onProgress }), 3);
    assert.deepEqual(
      [heard.at(0), heard.at(-1)],
      [
        { done: 1, total: 3 },
        { done: 3, total: 3 },
      ],
    );
    const json = Buffer.from("5");
    assert.equal(Buffer.from(await host.callBytes("acme.demo", "tells", json, { onProgress })).toString(), "5");
    assert.deepEqual(heard.at(-1), { done: 5, total: 5 });
  });

  it("streams items to whoever takes them, as one call", async (host) => {
    assert.deepEqual(
      await all(host.stream("acme.demo", "numbers", 40)),
      Array.from({ length: 40 }, (_, n) => n),
    );
    const [statistics] = await host.statistics({ pluginId: "acme.demo" });
    assert.deepEqual([statistics?.calls, statistics?.outcomes], [1, { ok: 1 }]);
    const calls = (await host.journal({ pluginId: "acme.demo" })).filter(({ kind }) => kind === "call");
    assert.deepEqual(
      calls.map(({ subject, count }) => [subject, count]),
      [["numbers", 1]],
    );
  });

  it("ends a stream when its consumer leaves, and the generator does its last work", async (host, lines) => {
    for await (const item of host.stream("acme.demo", "numbers", 1e9)) if (item === 20) break;
    await until(() => lines.includes("over"));
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
    const [statistics] = (await host.statistics()).filter(({ action }) => action === "numbers");
    assert.deepEqual(statistics?.outcomes, { ok: 1 });
  });

  it("refuses an item that its schema does not allow, and ends the stream", async (host) => {
    const items = host.stream("acme.demo", "lies", null);
    assert.deepEqual(await items.next(), { done: false, value: 1 });
    await assert.rejects(items.next(), { code: "HOST_OUTPUT_INVALID" });
    assert.deepEqual(await items.next(), { done: true, value: undefined });
    const [statistics] = (await host.statistics()).filter(({ action }) => action === "lies");
    assert.deepEqual(statistics?.outcomes, { HOST_OUTPUT_INVALID: 1 });
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
  });

  it("ends a stream at its deadline, and by its caller's signal while an item is waited for", async (host) => {
    await assert.rejects(all(host.stream("acme.demo", "hangs", null)), { code: "SANDBOX_DEADLINE" });
    const controller = new AbortController();
    const items = host.stream("acme.demo", "stays", null, { signal: controller.signal });
    assert.deepEqual(await items.next(), { done: false, value: 1 });
    const next = items.next().catch(codeOf);
    controller.abort();
    assert.equal(await next, "SANDBOX_CANCELLED");
  });

  it("loses a right in the middle of a stream", async (host) => {
    await host.setSecret("acme.demo", "one", "first");
    await host.grant("acme.demo", permission);
    const items = host.stream("acme.demo", "asks", null);
    assert.deepEqual(await items.next(), { done: false, value: "first" });
    await host.revoke("acme.demo", "secrets_access");
    let last: unknown = "first";
    // What was asked for before the revocation may still be on its way.
    for (let n = 0; n < 64 && last === "first"; n += 1) last = (await items.next()).value;
    assert.equal(last, "BROKER_DENIED");
    await items.return?.();
  });

  it("ends a stream with its plugin", async (host) => {
    const items = host.stream("acme.demo", "stays", null);
    assert.deepEqual(await items.next(), { done: false, value: 1 });
    const next = items.next().catch(codeOf);
    await host.unload("acme.demo");
    assert.equal(await next, "SANDBOX_CLOSED");
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
  });

  it("holds actions to limits below their plugin's", async (host) => {
    assert.equal(await host.call("acme.demo", "loop", null).catch(codeOf), "SANDBOX_CPU");
    assert.equal(await host.call("acme.demo", "never", null).catch(codeOf), "SANDBOX_DEADLINE");
    const filled = await host.call("acme.demo", "fill", null).catch(codeOf);
    assert.ok(["SANDBOX_MEMORY", "SANDBOX_PLUGIN_THREW", "SANDBOX_CRASHED"].includes(String(filled)), String(filled));
    assert.equal(await host.call("acme.demo", "memory", 24), 24);
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
  });
}

test("an action streams or answers, and is used as what it is", () =>
  withHost(async (host) => {
    await install(host, demo("standard"));
    await assert.rejects(host.call("acme.demo", "numbers", 3), { code: "HOST_STREAM_MISMATCH" });
    await assert.rejects(host.callBytes("acme.demo", "numbers", Buffer.from("3")), { code: "HOST_STREAM_MISMATCH" });
    await assert.rejects(host.stream("acme.demo", "echo", 3).next(), { code: "HOST_STREAM_MISMATCH" });
    await assert.rejects(host.stream("acme.demo", "missing", 3).next(), { code: "HOST_ACTION_UNKNOWN" });
    assert.deepEqual((await host.actions("acme.demo"))["numbers"]?.streams, true);
  }));

test("nothing of a stream runs before its first item is asked for", () =>
  withHost(async (host) => {
    await install(host, demo("standard"));
    const items = host.stream("acme.demo", "numbers", 3);
    assert.deepEqual(await host.running(), []);
    assert.deepEqual(await items.return?.(), { done: true, value: undefined });
    assert.deepEqual(await items.next(), { done: true, value: undefined });
    assert.deepEqual(await host.statistics(), []);
  }));

test("leaves while an item is waited for, and answers everybody who waits", () =>
  withHost(async (host) => {
    await install(host, demo("standard"));
    const items = host.stream("acme.demo", "stays", null);
    assert.deepEqual(await items.next(), { done: false, value: 1 });
    const waiting = [items.next(), items.next()];
    await items.return?.();
    for (const each of waiting) assert.deepEqual(await each, { done: true, value: undefined });
  }));

test("a consumer's slowness is not the plugin's", () =>
  withHost(async (host) => {
    const limits = { wallMs: 4_000 };
    const actions = { ...ACTIONS, numbers: { ...stream, limits }, never: { ...any, limits } };
    const manifest = { contributes: { actions }, limits: { cpuMs: 20_000, wallMs: 60_000 }, level: "standard" };
    for (const id of ["acme.demo", "other.demo"]) await install(host, makePackage({ id, code: CODE, manifest }));
    const items = host.stream("acme.demo", "numbers", 100);
    assert.deepEqual(await items.next(), { done: false, value: 0 });
    // When a call that began now is late, an item would be too, if its time passed.
    await assert.rejects(host.call("other.demo", "never", null), { code: "SANDBOX_DEADLINE" });
    assert.equal((await all(items)).length, 99);
  }));

test("compares items with a slow schema in another thread, in their order, and refuses the one that does not fit", () =>
  withHost(async (host) => {
    // 1,200 keywords: more than is compared beside everything else.
    const slow = { anyOf: [{ type: "integer" }, ...Array.from({ length: 1_200 }, (_, n) => ({ const: `word ${n}` }))] };
    const code = `var berthPlugin = { actions: {
      async *words(words) { for (const word of words) yield word; },
      slow: (value) => value,
    } };`;
    const contributes = { actions: { words: { ...stream, output: slow }, slow: { input: slow, output: slow } } };
    await install(host, makePackage({ code, manifest: { contributes } }));
    const words = [1, "word 1199", 2, "word 7", ...Array.from({ length: 40 }, (_, n) => n)];
    assert.deepEqual(await all(host.stream("acme.demo", "words", words)), words);
    const items = host.stream("acme.demo", "words", [1, 2, "no word", 3]);
    assert.deepEqual(await items.next(), { done: false, value: 1 });
    assert.deepEqual(await items.next(), { done: false, value: 2 });
    await assert.rejects(items.next(), { code: "HOST_OUTPUT_INVALID" });
    assert.deepEqual(await items.next(), { done: true, value: undefined });
    await assert.rejects(all(host.stream("acme.demo", "words", ["no word"])), { code: "HOST_OUTPUT_INVALID" });
    const [statistics] = await host.statistics();
    assert.deepEqual(statistics?.outcomes, { ok: 1, HOST_OUTPUT_INVALID: 2 });
  }));

test("a plugin in WebAssembly that says that it streams is refused", () =>
  withHost(
    async (host) => {
      const manifest = {
        runtime: { kind: "wasm", entry: "plugin.wasm" },
        contributes: { actions: { echo: stream } },
      };
      const entry = { path: "plugin.wasm", bytes: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) };
      await assert.rejects(host.plan(makePackage({ manifest, entry })), { code: "HOST_STREAM_UNSUPPORTED" });
    },
    { engines: [isolate(), wasm()] },
  ));

test("tells the memory of a plugin that had a process to itself", { skip: process.platform !== "linux" }, () =>
  withHost(async (host) => {
    await install(host, demo("isolated"));
    await host.call("acme.demo", "memory", 40);
    const resting = host.call("acme.demo", "never", null).catch(() => undefined);
    await resting;
    const [use] = await host.usage();
    assert.ok((use?.peakMemoryBytes ?? 0) > 0, String(use?.peakMemoryBytes));
  }).catch((error: unknown) => {
    if (codeOf(error) !== "SANDBOX_WALL_MISSING") throw error;
  }),
);
