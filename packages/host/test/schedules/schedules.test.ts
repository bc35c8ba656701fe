import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { Host, HostOptions, JournalEntry } from "@berth/host";
import { statedPermissionSchema } from "@berth/spec";

import { Clock, pause, until } from "../clock.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const actions = {
  tick: any,
  ticks: any,
  ask: any,
  hold: any,
  letGo: any,
  held: any,
  reveal: any,
  pure: { ...any, effect: "pure" },
};
const CODE = `var berthPlugin = { actions: {
  async tick(value, ctx) {
    const { keys } = await ctx.storage.list({ prefix: "tick:" });
    await ctx.storage.put("tick:" + String(keys.length).padStart(4, "0"), value);
  },
  async ticks(value, ctx) {
    const { keys } = await ctx.storage.list({ prefix: "tick:" });
    return Promise.all(keys.map((key) => ctx.storage.get(key)));
  },
  async ask([method, ...args], ctx) {
    try { return { ok: (await ctx.schedules[method](...args)) ?? null }; }
    catch (error) { return { code: error.code ?? error.name, message: error.message }; }
  },
  async pure([method, ...args], ctx) { try { await ctx.schedules[method](...args); return "done"; } catch (error) { return error.code; } },
  // Runs until it is let go.
  async hold(value, ctx) {
    await ctx.storage.put("begun:" + Math.random(), 1);
    while ((await ctx.storage.get("go")) !== true) await new Promise((resolve) => setTimeout(resolve, 20));
  },
  letGo: (value, ctx) => ctx.storage.put("go", true),
  held: async (value, ctx) => (await ctx.storage.list({ prefix: "begun:" })).keys.length,
  async reveal(name, ctx) { let found; try { found = await ctx.secrets.reveal(name); } catch (error) { found = error.code; } await ctx.storage.put("tick:found", found); },
} };`;

interface Made {
  readonly id?: string;
  readonly schedules?: object;
  readonly manifest?: object;
  readonly version?: string;
}

const made = ({ schedules = {}, manifest = {}, ...more }: Made = {}): Uint8Array =>
  makePackage({ code: CODE, ...more, manifest: { contributes: { actions, schedules }, ...manifest } });

const MINUTE = 60_000;
const HOUR = 3_600_000;

const ask = async (host: Host<string>, request: unknown[], caller?: string): Promise<{ ok?: unknown; code?: string }> =>
  (await host.call("acme.demo", "ask", request, caller === undefined ? {} : { caller })) as object;
const ticks = async (host: Host<string>): Promise<unknown[]> =>
  (await host.call("acme.demo", "ticks", null)) as unknown[];
const nextOf = async (host: Host<string>): Promise<string[]> =>
  (await host.schedules("acme.demo")).map(({ nextAt }) => nextAt.toISOString());

/** A host whose time stands still until the test moves it. */
function withClock(
  work: (host: Host<string>, clock: Clock) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const clock = new Clock("2026-05-01T10:00:30Z");
  return withHost((host) => work(host, clock), { now: clock.now, setAlarm: clock.setAlarm, ...options });
}

/** Waits until the schedules stand at these moments. */
const untilNext = (host: Host<string>, ...moments: string[]): Promise<void> =>
  until(async () => JSON.stringify(await nextOf(host)) === JSON.stringify(moments));

for (const engine of [isolate(), quickjs()]) {
  test(`an action runs when the manifest says, at ${engine.name}`, () =>
    withClock(
      async (host, clock) => {
        await install(host, made({ schedules: { hourly: { cron: "0 * * * *", action: "tick" } } }));
        await host.enable("acme.demo");
        await untilNext(host, "2026-05-01T11:00:00.000Z");
        clock.advance(59 * MINUTE);
        await pause();
        assert.deepEqual(await ticks(host), []);
        clock.advance(MINUTE);
        await until(async () => (await ticks(host)).length === 1);
        await untilNext(host, "2026-05-01T12:00:00.000Z");
        const runs = async (): Promise<JournalEntry[]> =>
          (await host.journal({ pluginId: "acme.demo" })).filter(({ subject }) => subject === "tick");
        await until(async () => (await runs()).length === 1);
        assert.deepEqual(
          (await runs()).map(({ outcome, detail }) => [outcome, detail]),
          [["ok", "schedule hourly"]],
        );
      },
      { engines: [engine], ...(engine.name === "quickjs" && { policy: { level: "strict" as const } }) },
    ));
}

test("an update takes up the schedules of the new release, and time zones count", () =>
  withClock(async (host) => {
    await install(
      host,
      made({ schedules: { old: { cron: "0 * * * *", action: "tick" }, kept: { cron: "0 6 * * *", action: "tick" } } }),
    );
    await untilNext(host, "2026-05-02T06:00:00.000Z", "2026-05-01T11:00:00.000Z");
    const kept = { cron: "0 6 * * *", timeZone: "Europe/Berlin", action: "tick" };
    await install(host, made({ version: "1.0.1", schedules: { kept } }));
    await untilNext(host, "2026-05-02T04:00:00.000Z");
  }));

test("a plugin sets schedules for the partition of the call, with no more rights than its caller", async () => {
  const permission = { name: "secrets_access", names: ["one"], reveal: true };
  await withClock(
    async (host, clock) => {
      const manifest = { secrets: ["one"], permissions: [{ ...permission, reason: "to test" }] };
      await install(host, made({ manifest }));
      await host.setSecret("acme.demo", "one", "first");
      const definition = { cron: "*/5 * * * *", action: "tick", input: { n: [1], __proto__: 1 } };
      assert.deepEqual(await ask(host, ["set", "mine", definition], "anna"), { ok: "2026-05-01T10:05:00.000Z" });
      assert.deepEqual(await ask(host, ["list"], "bert"), { ok: [] });
      assert.deepEqual(await ask(host, ["remove", "mine"], "bert"), { ok: false });
      const { ok } = await ask(host, ["list"], "anna");
      assert.deepEqual(ok, [
        {
          name: "mine",
          cron: "*/5 * * * *",
          timeZone: "UTC",
          action: "tick",
          missed: "once",
          nextAt: "2026-05-01T10:05:00.000Z",
        },
      ]);
      clock.advance(5 * MINUTE);
      await until(async () => (await ticks(host)).length === 1);
      assert.deepEqual(await ticks(host), [{ n: [1] }]);
      assert.deepEqual(
        await ask(host, ["set", "mine", { cron: "0 12 * * *", action: "reveal", input: "one" }], "bert"),
        {
          ok: "2026-05-01T12:00:00.000Z",
        },
      );
      assert.deepEqual(await ask(host, ["remove", "mine"], "anna"), { ok: true });
      clock.advance(2 * HOUR);
      await until(async () => (await ticks(host)).length === 2);
      assert.equal((await ticks(host))[1], "BROKER_DENIED");
      assert.equal(await host.call("acme.demo", "pure", ["set", "mine", definition]), "BROKER_EFFECT_DENIED");
      assert.equal(await host.call("acme.demo", "pure", ["list"]), "done");
    },
    { rightsOf: (user) => (user === "anna" ? [statedPermissionSchema.parse(permission)] : []) },
  );
});

test("refuses malformed schedules by code", () =>
  withClock(async (host) => {
    await install(host, made());
    const good = { cron: "* * * * *", action: "tick" };
    const bad: unknown[][] = [
      ["a", null],
      ["a", []],
      ["a", { ...good, cron: "* * * * * *" }],
      ["a", { ...good, cron: "@daily" }],
      ["a", { ...good, cron: "2026-05-01T00:00:00" }],
      ["a", { ...good, cron: "0 0 30 2 *" }],
      ["a", { ...good, cron: "*/0 * * * *" }],
      ["a", { ...good, cron: "61 * * * *" }],
      ["a", { ...good, cron: `${"1,".repeat(60)}1 * * * *` }],
      ["a", { ...good, cron: 7 }],
      ["a", { ...good, timeZone: "Mars/Base" }],
      ["a", { ...good, timeZone: "../etc" }],
      ["a", { ...good, action: "toString" }],
      ["a", { ...good, action: "none" }],
      ["a", { ...good, missed: "every" }],
      ["a", { ...good, input: "x".repeat(5_000) }],
      ["a", { ...good, input: new Uint8Array(3) }],
      ["", good],
      ["a b", good],
      ["__proto__ ", good],
      [7, good],
      ["x".repeat(65), good],
    ];
    for (const [index, request] of bad.entries())
      assert.equal((await ask(host, ["set", ...request])).code, "BROKER_REQUEST_INVALID", `case ${index}`);
    assert.deepEqual(await ask(host, ["list"]), { ok: [] });
    for (const schedule of [
      { cron: "0 0 30 2 *", action: "tick" },
      { cron: "* * * * *", action: "tick", timeZone: "Mars/Base" },
    ])
      await assert.rejects(host.plan(made({ version: "2.0.0", schedules: { bad: schedule } })), {
        code: "HOST_SCHEDULE_INVALID",
      });
    for (const schedule of [
      { cron: "* * * *", action: "tick" },
      { cron: "* * * * *", action: "none" },
      { cron: "* * * * *", action: "tick", more: 1 },
    ])
      await assert.rejects(host.plan(made({ version: "2.0.0", schedules: { bad: schedule } })), {
        code: "SPEC_MANIFEST_INVALID",
      });
  }));

test("sixteen schedules are kept in a partition and 256 in all, also when they are set at the same moment", () =>
  withClock(async (host) => {
    await install(host, made());
    const set = (name: string, caller?: string): Promise<{ code?: string }> =>
      ask(host, ["set", name, { cron: "0 0 * * *", action: "tick" }], caller);
    const answers = await Promise.all(Array.from({ length: 20 }, (_, index) => set(`s${index}`, "user0")));
    assert.equal(answers.filter(({ code }) => code === "BROKER_QUOTA_EXCEEDED").length, 4);
    const kept = answers.findIndex(({ code }) => code === undefined);
    assert.equal((await set(`s${kept}`, "user0")).code, undefined);
    for (let user = 1; user < 16; user += 1)
      await Promise.all(Array.from({ length: 16 }, (_, index) => set(`s${index}`, `user${user}`)));
    assert.equal((await host.schedules("acme.demo")).length, 256);
    assert.equal((await set("one-more", "user16")).code, "BROKER_QUOTA_EXCEEDED");
  }));

test("of one schedule no two run at a time, and a run that came due meanwhile follows", () =>
  withClock(async (host, clock) => {
    await install(host, made({ schedules: { often: { cron: "* * * * *", action: "hold" } } }));
    const held = async (): Promise<number> => Number(await host.call("acme.demo", "held", null));
    await untilNext(host, "2026-05-01T10:01:00.000Z");
    clock.advance(30_000);
    await until(async () => (await held()) === 1);
    for (let minute = 0; minute < 5; minute += 1) {
      clock.advance(MINUTE);
      await pause();
    }
    assert.equal(await held(), 1);
    await host.call("acme.demo", "letGo", null);
    await until(async () => (await held()) === 2);
    await untilNext(host, "2026-05-01T10:07:00.000Z");
    assert.equal(await held(), 2);
  }));

for (const [missed, expected] of [
  ["skip", 0],
  ["once", 1],
  ["all", 24],
] as const) {
  test(`runs that no host was there for: ${missed}`, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), "berth-host-"));
    const clock = new Clock("2026-05-01T10:00:30Z");
    const open = (): Promise<Host<string>> =>
      openHost<string>({ dataDir, engines: [isolate()], now: clock.now, setAlarm: clock.setAlarm });
    try {
      let host = await open();
      await install(host, made({ schedules: { s: { cron: "0 * * * *", action: "tick", missed } } }));
      await untilNext(host, "2026-05-01T11:00:00.000Z");
      await host.close();
      clock.advance(100 * HOUR);
      host = await open();
      await untilNext(host, "2026-05-05T15:00:00.000Z");
      await until(async () => (await ticks(host)).length >= expected);
      clock.advance(HOUR);
      await until(async () => (await ticks(host)).length === expected + 1);
      await host.close();
    } finally {
      await rm(dataDir, { recursive: true });
    }
  });
}

test("nothing runs while a plugin is switched off, and nothing of that time is made up for", () =>
  withClock(async (host, clock) => {
    await install(host, made({ schedules: { s: { cron: "0 * * * *", action: "tick", missed: "all" } } }));
    await untilNext(host, "2026-05-01T11:00:00.000Z");
    await host.disable("acme.demo");
    clock.advance(3 * HOUR);
    await untilNext(host, "2026-05-01T14:00:00.000Z");
    await host.enable("acme.demo");
    assert.deepEqual(await ticks(host), []);
    clock.advance(HOUR);
    await until(async () => (await ticks(host)).length === 1);
    await host.uninstall("acme.demo");
    assert.deepEqual(await host.schedules(), []);
  }));
