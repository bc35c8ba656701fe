import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";

import { Clock, until } from "../clock.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const again = { ...any, effect: "idempotent" };
const actions = {
  count: any,
  echo: any,
  counted: any,
  shaky: any,
  breakDown: any,
  steady: again,
  post: again,
  postPlain: any,
  outer: again,
  pure: { ...any, effect: "pure" },
  onEvent: again,
  publish: any,
};
const CODE = `
  const add = async (ctx, key) => { for (;;) { const now = await ctx.storage.get(key); if (await ctx.storage.compareAndSet(key, now, (now ?? 0) + 1)) return (now ?? 0) + 1; } };
  const maybeBreak = async (ctx) => { if ((await ctx.storage.get("broken")) === true) throw new Error("broken on purpose"); };
  const send = async (url, ctx) => { const { status } = await ctx.fetch(url, { method: "POST", body: "x" }); return status; };
  var berthPlugin = { actions: {
  count: async (value, ctx) => ({ count: await add(ctx, "count"), value }),
  echo: (value) => value,
  counted: async (key, ctx) => (await ctx.storage.get(key)) ?? 0,
  async shaky(value, ctx) { await add(ctx, "count"); await maybeBreak(ctx); return "done"; },
  breakDown: (value, ctx) => ctx.storage.put("broken", value),
  async steady(value, ctx) {
    const applied = await ctx.storage.compareAndSet("steady", undefined, "first");
    await maybeBreak(ctx);
    return applied;
  },
  async post(url, ctx) { const all = [await send(url, ctx), await send(url, ctx)]; await maybeBreak(ctx); return all; },
  postPlain: send,
  async outer(value, ctx) { const { count } = await ctx.plugins.call("acme.other", "count", value); await maybeBreak(ctx); return count; },
  pure: (value) => ({ value }),
  async onEvent(value, ctx) {
    const applied = await ctx.storage.compareAndSet("once", undefined, 1);
    await ctx.storage.put("applied:" + applied, 1);
    await maybeBreak(ctx);
  },
  publish: (value, ctx) => ctx.events.publish("kept", value),
} };`;

const made = (id = "acme.demo", more: object = {}): Uint8Array =>
  makePackage({ id, code: CODE, manifest: { contributes: { actions }, ...more } });

const call = (
  host: Host<string>,
  action: string,
  value: unknown,
  idempotencyKey: string,
  caller?: string,
): Promise<unknown> =>
  host.call("acme.demo", action, value, { idempotencyKey, ...(caller !== undefined && { caller }) });
const counted = (host: Host<string>, key = "count", id = "acme.demo"): Promise<unknown> =>
  host.call(id, "counted", key);

test("a key makes one call of several for a day, in one partition, of one action", async () => {
  const clock = new Clock("2026-05-01T00:00:00Z");
  const dataDir = await mkdtemp(join(tmpdir(), "berth-host-"));
  const open = (): Promise<Host<string>> =>
    openHost<string>({ dataDir, engines: [isolate()], now: clock.now, partitionOf: (user) => user });
  try {
    let host = await open();
    await install(host, made());
    const value = { x: [1], bytes: new Uint8Array([1, 2]) };
    assert.deepEqual(await call(host, "count", value, "k"), { count: 1, value });
    assert.deepEqual(await call(host, "count", value, "k"), { count: 1, value });
    await assert.rejects(call(host, "count", { x: [2] }, "k"), { code: "BROKER_KEY_REUSED" });
    assert.deepEqual(await call(host, "count", 7, "k", "anna"), { count: 2, value: 7 });
    assert.deepEqual(await call(host, "count", 7, "k2"), { count: 3, value: 7 });
    assert.deepEqual(await call(host, "echo", 7, "k"), 7);
    await host.close();
    clock.advance(86_399_000);
    host = await open();
    assert.deepEqual(await call(host, "count", value, "k"), { count: 1, value });
    clock.advance(2_000);
    assert.deepEqual(await call(host, "count", "new", "k"), { count: 4, value: "new" });
    await host.uninstall("acme.demo");
    await install(host, made());
    assert.deepEqual(await call(host, "count", "newer", "k"), { count: 1, value: "newer" });
    await host.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test("calls at the same moment with one key run once, and none gets another one's answer to change", () =>
  withHost(async (host) => {
    await install(host, made());
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(host, "count", { a: 1 }, "k")));
    assert.equal(await counted(host), 1);
    for (const answer of answers) assert.deepEqual(answer, { count: 1, value: { a: 1 } });
    assert.equal(new Set(answers).size, 20);
    const different = await Promise.allSettled([1, 2, 3].map((value) => call(host, "count", value, "k2")));
    assert.equal(different.filter(({ status }) => status === "fulfilled").length, 1);
  }));

test("who may do less does not get the answer of who may do more", () =>
  withHost(
    async (host) => {
      await install(host, made());
      await call(host, "count", 1, "k", "anna");
      await assert.rejects(call(host, "count", 1, "k", "bert"), { code: "BROKER_KEY_REUSED" });
    },
    {
      partitionOf: () => "shared",
      rightsOf: (user) => (user === "anna" ? [{ name: "network_unrestricted", bytesPerDay: 1 }] : []),
    },
  ));

test("a call that failed is repeated when its action may be, and else nobody knows", () =>
  withHost(async (host) => {
    await install(host, made());
    await host.call("acme.demo", "breakDown", true);
    await assert.rejects(call(host, "shaky", 1, "k"), { code: "SANDBOX_PLUGIN_THREW" });
    await host.call("acme.demo", "breakDown", false);
    await assert.rejects(call(host, "shaky", 1, "k"), { code: "BROKER_KEY_UNCERTAIN" });
    assert.equal(await counted(host), 1);
    await host.call("acme.demo", "breakDown", true);
    await assert.rejects(call(host, "steady", "a", "k"), { code: "SANDBOX_PLUGIN_THREW" });
    await assert.rejects(call(host, "steady", "a", "k"), { code: "SANDBOX_PLUGIN_THREW" });
    await host.call("acme.demo", "breakDown", false);
    // What was compared and set the first time counts as set for the call that repeats it.
    assert.equal(await call(host, "steady", "a", "k"), true);
    assert.equal(await call(host, "steady", "b", "k2"), false);
  }));

test("a refused input leaves its key free, and malformed keys are refused", () =>
  withHost(async (host) => {
    const picky = { input: { type: "number" }, output: true };
    await install(host, makePackage({ manifest: { contributes: { actions: { echo: picky } } } }));
    const echo = (value: unknown, key: string): Promise<unknown> => call(host, "echo", value, key);
    await assert.rejects(echo("text", "k"), { code: "HOST_INPUT_INVALID" });
    assert.equal(await echo(7, "k"), 7);
    for (const key of ["", "k".repeat(201), "a\0b", "\ud800", 7, null, {}])
      await assert.rejects(echo(1, key as string), { code: "BROKER_REQUEST_INVALID" });
  }));

test("effects carry keys of their own, which a repeated call has again", async () => {
  const keys: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    keys.push(request.headers["idempotency-key"] as string | undefined);
    response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "localhost", resolve));
  const { port } = server.address() as AddressInfo;
  const url = `http://localhost:${port}/`;
  const permissions = [
    { name: "network_restricted", hosts: ["localhost"], ports: [port], methods: ["POST"], reason: "to test" },
  ];
  try {
    await withHost(
      async (host) => {
        await install(host, made("acme.demo", { permissions }));
        await host.call("acme.demo", "postPlain", url);
        await call(host, "postPlain", url, "plain");
        assert.deepEqual(keys.splice(0), [undefined, undefined]);
        await host.call("acme.demo", "post", url);
        await host.call("acme.demo", "post", url);
        assert.equal(new Set(keys).size, 4);
        for (const key of keys.splice(0)) assert.match(String(key), /^"[0-9a-f]{32}"$/);
        await host.call("acme.demo", "breakDown", true);
        await assert.rejects(call(host, "post", url, "k"), { code: "SANDBOX_PLUGIN_THREW" });
        await host.call("acme.demo", "breakDown", false);
        assert.deepEqual(await call(host, "post", url, "k"), [200, 200]);
        assert.equal(keys.length, 2);
        assert.equal(new Set(keys).size, 2);
      },
      { policy: { privateHosts: ["localhost"] } },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("what a repeated call asked another plugin for is not done again", () =>
  withHost(async (host) => {
    await install(host, made("acme.other"));
    const may = { name: "platform_services", plugins: { actions: ["acme.other/*"] }, reason: "to test" };
    await install(host, made("acme.demo", { dependencies: { "acme.other": "*" }, permissions: [may] }));
    await host.call("acme.demo", "breakDown", true);
    await assert.rejects(call(host, "outer", 1, "k"), { code: "SANDBOX_PLUGIN_THREW" });
    await host.call("acme.demo", "breakDown", false);
    assert.equal(await call(host, "outer", 1, "k"), 1);
    assert.equal(await counted(host, "count", "acme.other"), 1);
    await host.call("acme.demo", "outer", 1);
    assert.equal(await counted(host, "count", "acme.other"), 2);
  }));

test("an event that comes again to an idempotent action has its effects once", async () => {
  const clock = new Clock("2026-05-01T00:00:00Z");
  await withHost(
    async (host) => {
      const manifest = {
        permissions: [
          {
            name: "platform_services",
            events: { publish: ["acme.demo/*"], subscribe: ["acme.demo/*"] },
            reason: "to test",
          },
        ],
        contributes: {
          actions,
          events: { kept: { payload: true, delivery: "durable" } },
          subscriptions: { "acme.demo/kept": { action: "onEvent" } },
        },
      };
      await install(host, made("acme.demo", manifest));
      await host.call("acme.demo", "breakDown", true);
      await host.call("acme.demo", "publish", 1);
      const runs = async (outcome: string): Promise<number> =>
        (await host.journal({ pluginId: "acme.demo" }))
          .filter((entry) => entry.subject === "onEvent" && entry.outcome === outcome)
          .reduce((sum, { count }) => sum + count, 0);
      await until(async () => (await runs("SANDBOX_PLUGIN_THREW")) === 1);
      await clock.advanceUntil(1_000, async () => (await runs("SANDBOX_PLUGIN_THREW")) === 2);
      await host.call("acme.demo", "breakDown", false);
      await clock.advanceUntil(1_000, async () => (await runs("ok")) === 1);
      assert.deepEqual([await counted(host, "applied:true"), await counted(host, "applied:false")], [1, 0]);
    },
    { now: clock.now, setAlarm: clock.setAlarm },
  );
});

test("what is remembered has a bound, beyond which calls with new keys are refused", () =>
  withHost(async (host) => {
    await install(host, made());
    const big = "x".repeat(1_040_000);
    let refused: unknown;
    let count = 0;
    for (; refused === undefined && count < 20; count += 1)
      await call(host, "echo", big, `k${count}`).catch((error: unknown) => (refused = error));
    assert.equal((refused as { code?: string } | undefined)?.code, "BROKER_QUOTA_EXCEEDED");
    assert.ok(count > 14);
    assert.equal(await call(host, "echo", big, "k0"), big);
    assert.equal(await host.call("acme.demo", "echo", "without"), "without");
    assert.deepEqual(await call(host, "pure", 1, "any"), { value: 1 });
  }));

test("a key makes one call of several in bytes too, whichever way the first one was made", () =>
  withHost(async (host) => {
    await install(host, made());
    const encoder = new TextEncoder();
    const bytes = async (action: string, json: string, idempotencyKey?: string): Promise<unknown> => {
      const options = idempotencyKey === undefined ? {} : { idempotencyKey };
      return JSON.parse(
        new TextDecoder().decode(await host.callBytes("acme.demo", action, encoder.encode(json), options)),
      );
    };
    const first = { count: 1, value: { a: 1 } };
    assert.deepEqual(await bytes("count", '{"a":1}', "k"), first);
    assert.deepEqual(await bytes("count", '{"a":1}', "k"), first);
    assert.deepEqual(await call(host, "count", { a: 1 }, "k"), first);
    await assert.rejects(bytes("count", '{"a":2}', "k"), { code: "BROKER_KEY_REUSED" });
    assert.deepEqual(await call(host, "count", 5, "k2"), { count: 2, value: 5 });
    assert.deepEqual(await bytes("count", "5", "k2"), { count: 2, value: 5 });
    const together = await Promise.all(Array.from({ length: 10 }, () => bytes("count", "6", "k3")));
    assert.deepEqual(new Set(together.map((answer) => JSON.stringify(answer))), new Set(['{"count":3,"value":6}']));
    assert.deepEqual(await bytes("count", "6"), { count: 4, value: 6 });
    // Effects of an idempotent action keep their keys over a failure.
    await host.call("acme.demo", "breakDown", true);
    await assert.rejects(bytes("steady", "1", "k4"), { code: "SANDBOX_PLUGIN_THREW" });
    await host.call("acme.demo", "breakDown", false);
    assert.equal(await bytes("steady", "1", "k4"), true);
    // What would have to be remembered has a bound.
    await assert.rejects(bytes("echo", `"${"x".repeat(1_100_000)}"`, "k5"), { code: "HOST_VALUE_TOO_LARGE" });
    assert.equal(String(await bytes("echo", `"${"x".repeat(1_100_000)}"`)).length, 1_100_000);
    // An answer with bytes in it that `call` was given is none in JSON.
    await call(host, "breakDown", new Uint8Array([1]), "k6");
    assert.deepEqual(await call(host, "counted", "broken", "k7"), new Uint8Array([1]));
    await assert.rejects(bytes("counted", '"broken"', "k7"), { code: "HOST_OUTPUT_INVALID" });
    for (const key of ["", "x".repeat(201), "a\0b"])
      await assert.rejects(bytes("count", "1", key), { code: "BROKER_REQUEST_INVALID" });
  }));

test("a stream refuses a key, and says why", () =>
  withHost(async (host) => {
    const code = "var berthPlugin = { actions: { async *rows() { yield 1; } } };";
    const manifest = { contributes: { actions: { rows: { ...any, streams: true } } } };
    await install(host, makePackage({ code, manifest }));
    await assert.rejects(host.stream("acme.demo", "rows", null, { idempotencyKey: "k" }).next(), {
      code: "BROKER_REQUEST_INVALID",
      message: /not kept/,
    });
    assert.deepEqual(await host.stream("acme.demo", "rows", null).next(), { value: 1, done: false });
  }));
