import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { HostEvent } from "@berth/host";
import fc from "fast-check";

import { Alerts } from "../../src/statistics/alerts.ts";
import type { AlertRule } from "../../src/statistics/alerts.ts";
import { addDuration, addHistogram, percentileMs } from "../../src/statistics/histogram.ts";
import { install, makePackage, withHost } from "../fixture.ts";

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

test("a rule looks at its minutes only", () => {
  let now = new Date("2026-06-01T12:00:00.000Z");
  const raised: [string, number][] = [];
  const rule: AlertRule = { kind: "latency", aboveMs: 10, minCalls: 2, minutes: 2 };
  const alerts = new Alerts(
    [rule],
    () => now,
    (pluginId, _rule, value) => raised.push([pluginId, value]),
  );
  const call = (durationMs: number): void => alerts.note("acme.demo", { calls: 1, durationUs: durationMs * 1_000 });
  call(100);
  assert.deepEqual(raised, []); // One call is too few.
  call(100);
  call(100);
  assert.deepEqual(raised, [["acme.demo", 100]]);
  now = new Date("2026-06-01T12:05:00.000Z");
  call(1);
  call(1);
  call(1_000);
  assert.equal(raised.length, 2);
  alerts.forget("acme.demo");
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
