import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost, parseAlerts } from "@berth/host";
import type { AlertRule, Host, HostError, HostEvent } from "@berth/host";
import fc from "fast-check";

import { Alerts } from "../../src/statistics/alerts.ts";
import { addDuration, addHistogram, percentileMs } from "../../src/statistics/histogram.ts";
import { Clock } from "../clock.ts";
import { install, makePackage, withHost } from "../fixture.ts";
import { killSandboxHosts, until } from "../sandbox-hosts.ts";

test("counts calls by action, outcome and duration, over restarts and by period", async () => {
  let now = new Date("2026-06-01T12:30:00.000Z");
  await withHost(
    async (host, dataDir) => {
      await install(host);
      for (let count = 0; count < 5; count += 1) await host.call("acme.demo", "echo", count);
      await assert.rejects(host.call("acme.demo", "lies", null));
      await assert.rejects(host.call("acme.demo", "recall", null));
      now = new Date("2026-06-01T13:30:00.000Z");
      await host.call("acme.demo", "echo", 1);
      await host.close();
      const again = await openHost<string>({ dataDir, engines: [isolate()], now: () => now });
      const all = await again.statistics({ pluginId: "acme.demo" });
      assert.deepEqual(
        all.map(({ action, calls, outcomes }) => [action, calls, outcomes]),
        [
          ["echo", 6, { ok: 6 }],
          ["lies", 1, { HOST_OUTPUT_INVALID: 1 }],
          ["recall", 1, { SANDBOX_PLUGIN_THREW: 1 }],
        ],
      );
      const [echo] = all;
      assert.equal(echo?.lastUsedAt, now.toISOString());
      assert.ok((echo?.p50Ms ?? 0) > 0 && (echo?.p99Ms ?? 0) >= (echo?.p50Ms ?? 0));
      const earlier = await again.statistics({ to: "2026-06-01T12:59:59.000Z" });
      assert.equal(earlier.find(({ action }) => action === "echo")?.calls, 5);
      // What is older than it is kept goes with the next writing.
      now = new Date("2026-12-01T00:00:00.000Z");
      await again.call("acme.demo", "echo", 1);
      assert.deepEqual(
        (await again.statistics()).map(({ calls }) => calls),
        [1],
      );
      await again.uninstall("acme.demo");
      assert.deepEqual(await again.statistics(), []);
      await again.close();
    },
    { now: () => now },
  );
});

test("adds up what each plugin did and keeps: calls, CPU time, denials, bytes, last use", async () => {
  const now = new Date("2026-06-01T12:30:00.000Z");
  const code = `var berthPlugin = { actions: {
    spin() { const end = Date.now() + 60; while (Date.now() < end); return null; },
    async keep(text, ctx) { await ctx.storage.put("k", text); return null; },
    async snoop(name, ctx) { try { await ctx.secrets.reveal(name); } catch (error) { return error.code; } },
  } };`;
  const any = { input: true, output: true };
  const manifest = { contributes: { actions: { spin: any, keep: any, snoop: any } } };
  await withHost(
    async (host) => {
      await install(host, makePackage({ code, manifest }));
      await install(host, makePackage({ id: "acme.idle" }));
      await host.call("acme.demo", "spin", null);
      await host.call("acme.demo", "keep", "x".repeat(1_000));
      for (let count = 0; count < 3; count += 1)
        assert.equal(await host.call("acme.demo", "snoop", "one"), "BROKER_DENIED");
      const [busy, idle] = await host.usage();
      assert.deepEqual(
        [busy?.pluginId, busy?.calls, busy?.denials, busy?.lastUsedAt],
        ["acme.demo", 5, 3, now.toISOString()],
      );
      assert.ok((busy?.storageBytes ?? 0) > 1_000);
      // The loop waits for the clock while it computes: most of its 60 ms, on a machine that lets it.
      const spin = (await host.statistics({ pluginId: "acme.demo" })).find(({ action }) => action === "spin");
      assert.ok((spin?.cpuMs ?? 0) > 1 && (busy?.cpuMs ?? 0) >= (spin?.cpuMs ?? 0), `${spin?.cpuMs}`);
      assert.deepEqual(idle, {
        pluginId: "acme.idle",
        calls: 0,
        cpuMs: 0,
        losses: 0,
        lossReasons: {},
        denials: 0,
        peakMemoryBytes: undefined,
        storageBytes: 0,
        lastUsedAt: undefined,
      });
      await assert.rejects(host.usage({ pluginId: "acme.nobody" }), { code: "HOST_PLUGIN_UNKNOWN" });
    },
    { now: () => now },
  );
});

test("processes that a plugin crashed are counted by why and by period, over restarts, until they are erased", async () => {
  let now = new Date("2026-06-01T12:30:00.000Z");
  const code = `var berthPlugin = { actions: {
    echo: (value) => value,
    crash: () => "y".repeat(500000000).split("").length,
    never: () => new Promise(() => {}),
  } };`;
  const any = { input: true, output: true };
  const manifest = {
    contributes: { actions: { echo: any, crash: any, never: any } },
    limits: { cpuMs: 30_000, wallMs: 60_000 },
  };
  const events: HostEvent[] = [];
  const options = { now: () => now, onEvent: (event: HostEvent) => void events.push(event) };
  await withHost(async (host, dataDir) => {
    for (const id of ["acme.bad", "acme.good", "acme.idle"]) await install(host, makePackage({ id, code, manifest }));
    for (const id of ["acme.bad", "acme.good", "acme.idle"]) assert.equal(await host.call(id, "echo", 1), 1);
    const lossesOf = async (of: Host<string>, query = {}): Promise<(string | number)[][]> =>
      (await of.usage(query)).map(({ pluginId, losses, lossReasons }) => {
        assert.equal(
          Object.values(lossReasons).reduce((sum, count) => sum + count, 0),
          losses,
        );
        return [pluginId, losses];
      });
    // Together first: both that were at work lose their process. Then alone.
    const lost = host.call("acme.good", "never", null).catch(() => "lost");
    await assert.rejects(host.call("acme.bad", "crash", null));
    assert.equal(await lost, "lost");
    now = new Date("2026-06-01T13:30:00.000Z");
    await assert.rejects(host.call("acme.bad", "crash", null));
    const reasons = events.flatMap((event) => (event.kind === "process-lost" ? [event.reason] : []));
    assert.equal(reasons.length, 2);
    const both = [
      ["acme.bad", 2],
      ["acme.good", 1],
      ["acme.idle", 0],
    ];
    assert.deepEqual(await lossesOf(host), both);
    assert.deepEqual(
      (await host.running()).map(({ plugin, losses }) => [plugin, losses]),
      both,
    );
    // Another release of it begins with what the host knows of the plugin.
    await install(host, makePackage({ id: "acme.good", version: "1.0.1", code, manifest }));
    assert.equal(await host.call("acme.good", "echo", 1), 1);
    assert.deepEqual(
      (await host.running({ pluginId: "acme.good" })).map(({ losses }) => losses),
      [1],
    );
    const [bad] = await host.usage({ pluginId: "acme.bad" });
    assert.deepEqual(Object.keys(bad?.lossReasons ?? {}).toSorted(), [...new Set(reasons)].toSorted());
    await host.close();
    const again = await openHost<string>({ dataDir, engines: [isolate()], ...options });
    assert.deepEqual(await lossesOf(again), both);
    assert.deepEqual(await lossesOf(again, { from: "2026-06-01T13:00:00.000Z" }), [
      ["acme.bad", 1],
      ["acme.good", 0],
      ["acme.idle", 0],
    ]);
    assert.deepEqual(await lossesOf(again, { pluginId: "acme.bad", to: "2026-06-01T12:59:59.000Z" }), [
      ["acme.bad", 1],
    ]);
    // Erased with the plugin, and as old as statistics get with the next writing.
    await again.uninstall("acme.bad");
    await install(again, makePackage({ id: "acme.bad", code, manifest }));
    assert.deepEqual(await lossesOf(again, { pluginId: "acme.bad" }), [["acme.bad", 0]]);
    now = new Date("2026-12-01T00:00:00.000Z");
    await again.call("acme.idle", "echo", 1);
    assert.deepEqual(await lossesOf(again, { pluginId: "acme.good" }), [["acme.good", 0]]);
    await again.close();
  }, options);
});

test("an alert is told once while it holds, and again after it was over", async () => {
  const events: HostEvent[] = [];
  await withHost(
    async (host) => {
      await install(host);
      for (let count = 0; count < 4; count += 1) await assert.rejects(host.call("acme.demo", "lies", null));
      for (let count = 0; count < 3; count += 1) await assert.rejects(host.call("acme.demo", "recall", null));
    },
    {
      onEvent: (event) => events.push(event),
      alerts: [
        { kind: "error-rate", above: 0.5, minCalls: 3, minutes: 5 },
        { kind: "denials", above: 1, minutes: 5 },
      ],
    },
  );
  assert.deepEqual(
    events.flatMap((event) => (event.kind === "alert" ? [[event.pluginId, event.rule.kind]] : [])),
    [
      ["acme.demo", "error-rate"],
      ["acme.demo", "denials"],
    ],
  );
});

/** Rules on a clock of the test's, and what was told: the plugin with a value, or that it is over. */
function watch(...rules: AlertRule[]): { clock: Clock; alerts: Alerts; told: [string, number | "over"][] } {
  const clock = new Clock("2026-06-01T12:00:00.000Z");
  const told: [string, number | "over"][] = [];
  const alerts = new Alerts({
    rules,
    now: clock.now,
    setAlarm: clock.setAlarm,
    onAlert: (pluginId, _rule, value) => told.push([pluginId, value]),
    onOver: (pluginId) => told.push([pluginId, "over"]),
  });
  return { clock, alerts, told };
}

test("a rule looks at its minutes only", () => {
  const { clock, alerts, told } = watch({ kind: "latency", aboveMs: 10, minCalls: 2, minutes: 2 });
  const call = (durationMs: number): void => alerts.note("acme.demo", { calls: 1, durationUs: durationMs * 1_000 });
  call(100);
  assert.deepEqual(told, []); // One call is too few.
  call(100);
  call(100);
  assert.deepEqual(told, [["acme.demo", 100]]);
  clock.advance(300_000);
  assert.deepEqual(told.splice(0), [
    ["acme.demo", 100],
    ["acme.demo", "over"],
  ]);
  call(1);
  call(1);
  assert.deepEqual(told, []);
  call(1_000);
  assert.equal(told.length, 1);
  alerts.close();
});

test("that an alert is over is told once, also of a plugin that nobody calls any more, or that is gone", () => {
  const { clock, alerts, told } = watch({ kind: "crashes", above: 1, minutes: 5 });
  for (const pluginId of ["acme.one", "acme.two"])
    for (let count = 0; count < 2; count += 1) alerts.note(pluginId, { crashes: 1 });
  assert.deepEqual(told.splice(0), [
    ["acme.one", 2],
    ["acme.two", 2],
  ]);
  alerts.forget("acme.two");
  assert.deepEqual(told.splice(0), [["acme.two", "over"]]);
  for (let minute = 0; minute < 4; minute += 1) clock.advance(60_000);
  assert.deepEqual(told, []);
  clock.advance(60_000);
  clock.advance(600_000);
  assert.deepEqual(told, [["acme.one", "over"]]);
  alerts.close();
});

test("crashes of its own and crashes among others are different rules", () => {
  const { alerts, told } = watch({ kind: "losses", above: 0, minutes: 5 });
  alerts.note("acme.demo", { crashes: 1 });
  assert.deepEqual(told, []);
  alerts.note("acme.demo", { losses: 1 });
  assert.deepEqual(told, [["acme.demo", 1]]);
  alerts.close();
});

test(
  "a crash alone is told by both rules",
  { skip: process.platform !== "linux" && "finds sandbox hosts through /proc" },
  async () => {
    const events: HostEvent[] = [];
    await withHost(
      async (host) => {
        await install(host);
        await host.call("acme.demo", "echo", 1);
        const looping = host.call("acme.demo", "loop", null).catch((error: unknown) => (error as HostError).code);
        await new Promise((resolve) => setTimeout(resolve, 150));
        killSandboxHosts();
        assert.equal(await looping, "SANDBOX_CRASHED");
        assert.deepEqual((await host.usage())[0]?.lossReasons, { crashed: 1 });
        await until(() => events.filter(({ kind }) => kind === "alert").length === 2);
        await host.uninstall("acme.demo");
        await until(() => events.filter(({ kind }) => kind === "alert-over").length === 2);
      },
      {
        onEvent: (event) => events.push(event),
        alerts: [
          { kind: "crashes", above: 0, minutes: 5 },
          { kind: "losses", above: 0, minutes: 5 },
        ],
      },
    );
    const rules = events.flatMap((event) => (event.kind === "alert" ? [event.rule.kind] : []));
    assert.deepEqual(rules.toSorted(), ["crashes", "losses"]);
  },
);

test("rules that nobody can mean are refused, by their place", async () => {
  const encoder = new TextEncoder();
  const rule = { kind: "denials", above: 3, minutes: 5 };
  assert.deepEqual(parseAlerts(encoder.encode(JSON.stringify([rule]))), [rule]);
  for (const [wrong, place] of [
    ["{", "line 1"],
    ["{}", "array"],
    [JSON.stringify([{ ...rule, minutes: 61 }]), "0.minutes"],
    [JSON.stringify([rule, { ...rule, kind: "smoke" }]), "1.kind"],
    [JSON.stringify([{ kind: "error-rate", above: 2, minCalls: 1, minutes: 1 }]), "0.above"],
    [JSON.stringify([{ ...rule, more: 1 }]), "0"],
  ] as const)
    assert.throws(
      () => parseAlerts(encoder.encode(wrong)),
      (error: HostError) => error.code === "HOST_ALERTS_INVALID" && error.message.includes(place),
      wrong,
    );
  await assert.rejects(
    withHost(async () => undefined, { alerts: [{ ...rule, minutes: 0 } as AlertRule] }),
    {
      code: "HOST_ALERTS_INVALID",
    },
  );
});

test("percentiles of the histogram lie at most a fifth above the truth, in whatever parts it was added", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 16, max: 200_000_000 }), { minLength: 1, maxLength: 200 }),
      fc.nat(),
      (all, cut) => {
        const [one, two]: [number[], number[]] = [[], []];
        for (const [index, durationUs] of all.entries()) addDuration(index < cut % all.length ? one : two, durationUs);
        addHistogram(one, two);
        for (const share of [0.5, 0.95, 0.99]) {
          const sorted = all.toSorted((a, b) => a - b);
          const exact = sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
          const found = (percentileMs(one, share) ?? 0) * 1_000;
          assert.ok(found >= exact * 0.999 - 1 && found <= exact * 1.2 + 1, `${share}: ${found} for ${exact}`);
        }
      },
    ),
  );
  assert.equal(percentileMs([], 0.5), undefined);
});
