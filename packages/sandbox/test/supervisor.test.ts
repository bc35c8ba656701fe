import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";

import { openPlugin } from "../conformance/open-plugin.ts";
import type { Loss } from "../src/loss.ts";
import { LIMITS, codeOf, until, withShared } from "./shared-plugins.ts";

test("plugins with one key share a process, up to 32 compartments, then there is a second one", () =>
  withShared({}, async ({ supervisor, open }) => {
    const plugins = Array.from({ length: 33 }, (_, index) => open(`p${index}`));
    for (const { call } of plugins.slice(0, 32)) assert.equal(await call("echo", 1), 1);
    assert.equal(supervisor.processes().length, 1);
    assert.equal(await plugins[32]?.call("echo", 1), 1);
    assert.equal(supervisor.processes().length, 2);
    // A place that somebody left is given away again, and an empty process ends.
    plugins[0]?.compartment[Symbol.dispose]();
    plugins[32]?.compartment[Symbol.dispose]();
    assert.equal(supervisor.processes().length, 1);
    assert.equal(await open("late").call("echo", 1), 1);
    assert.equal(supervisor.processes().length, 1);
  }));

test("memory that plugins may have in all bounds a process too", () =>
  withShared({}, async ({ supervisor, open }) => {
    for (let index = 0; index < 3; index += 1)
      assert.equal(await open(`p${index}`, { memoryMiB: 900 }).call("echo", 1), 1);
    assert.equal(supervisor.processes().length, 2);
  }));

test("a call that never ends costs its neighbours nothing", () =>
  withShared({ onLoss: () => assert.fail("a process was lost") }, async ({ supervisor, open }) => {
    const quiet = open("quiet", { wallMs: 4_000 });
    const other = open("other");
    await Promise.all([quiet.call("echo"), other.call("echo")]);
    assert.equal(await other.call("count"), 1);
    assert.equal(await quiet.call("never").catch(codeOf), "SANDBOX_DEADLINE");
    // The neighbour's instance is the same; the one that overstayed is a new one.
    assert.equal(await other.call("count"), 2);
    assert.equal(await quiet.call("count"), 1);
    assert.equal(supervisor.processes().length, 1);
  }));

test("a loop costs its process; the neighbours hear that another one is to blame, and are rid of it", async () => {
  const losses: Loss[] = [];
  const suspects: string[] = [];
  await withShared(
    { onLoss: (loss) => losses.push(loss), onSuspect: (plugin) => suspects.push(plugin) },
    async ({ supervisor, open }) => {
      const [bad, good] = [open("bad"), open("good")];
      await Promise.all([bad.call("echo"), good.call("echo")]);
      const waiting = good.call("never").catch(codeOf);
      assert.equal(await bad.call("loop").catch(codeOf), "SANDBOX_CPU");
      assert.equal(await waiting, "SANDBOX_NEIGHBOUR");
      assert.deepEqual(
        losses.map(({ reason, culprit, plugins }) => [reason, culprit, plugins.toSorted()]),
        [["cpu", "bad", ["bad", "good"]]],
      );
      assert.deepEqual(suspects, ["bad"]);
      await Promise.all([bad.call("echo"), good.call("echo")]);
      assert.equal(supervisor.processes().length, 2);
    },
  );
});

test("a crash among several convicts nobody: those at work run alone, and the next crash tells", async () => {
  const losses: Loss[] = [];
  await withShared({ onLoss: (loss) => losses.push(loss) }, async ({ supervisor, open }) => {
    const limits = { cpuMs: 20_000 };
    const [bad, busy, idle] = [open("bad", limits), open("busy", limits), open("idle", limits)];
    await Promise.all([bad.call("echo"), busy.call("echo"), idle.call("echo")]);
    assert.equal(supervisor.processes().length, 1);
    const lost = busy.call("never").catch(codeOf);
    const isLoss = (code: unknown): boolean => code === "SANDBOX_CRASHED" || code === "SANDBOX_MEMORY";
    assert.ok(isLoss(await bad.call("crash").catch(codeOf)));
    assert.ok(isLoss(await lost));
    assert.deepEqual(losses[0]?.atWork.toSorted(), ["bad", "busy"]);
    assert.deepEqual(losses[0]?.plugins.toSorted(), ["bad", "busy", "idle"]);
    const isSuspect = (): [string, boolean][] =>
      supervisor.running().map((each): [string, boolean] => [each.plugin, each.isSuspect]);
    assert.deepEqual(isSuspect(), [
      ["bad", true],
      ["busy", true],
      ["idle", false],
    ]);
    await Promise.all([bad.call("echo"), busy.call("echo"), idle.call("echo")]);
    assert.equal(supervisor.processes().length, 3);
    assert.ok(isLoss(await bad.call("crash").catch(codeOf)));
    assert.deepEqual(losses[1]?.plugins, ["bad"]);
    assert.equal(await busy.call("count"), 1);
  });
});

test("a suspect that behaved returns to the others", () =>
  withShared({ probationMs: 300 }, async ({ supervisor, open }) => {
    const [bad, good] = [open("bad"), open("good")];
    await Promise.all([bad.call("echo"), good.call("echo")]);
    const waiting = good.call("never").catch(codeOf);
    assert.equal(await bad.call("loop").catch(codeOf), "SANDBOX_CPU");
    await waiting;
    await until(() => supervisor.running().every(({ isSuspect }) => !isSuspect));
    await Promise.all([bad.call("echo"), good.call("echo")]);
    await until(() => supervisor.processes().length === 1);
  }));

test("a thousand calls of one plugin do not keep a neighbour's one waiting behind them", () =>
  withShared({}, async ({ open }) => {
    const limits = { cpuMs: 20_000 };
    const [crowd, one] = [open("crowd", limits), open("one", limits)];
    await Promise.all([crowd.call("echo"), one.call("echo")]);
    let ended = 0;
    const many = Array.from({ length: 1_000 }, () => crowd.call("spin", 3).then(() => (ended += 1)));
    assert.equal(await one.call("echo", "through"), "through");
    const endedBefore = ended;
    await Promise.all(many);
    assert.ok(endedBefore < 500, `${endedBefore} of 1,000 calls came first`);
  }));

test("refuses calls of a plugin beyond a bound, and takes them again afterwards", () =>
  withShared({}, async ({ supervisor, open }) => {
    const [crowd, one] = [open("crowd"), open("one")];
    const stop = new AbortController();
    const many = Array.from({ length: 1_024 }, () => crowd.call("never", null, stop.signal).catch(codeOf));
    assert.equal(await crowd.call("echo").catch(codeOf), "SANDBOX_BUSY");
    assert.equal(supervisor.running()[0]?.callsUnderWay, 1_024);
    assert.equal(await one.call("echo", 1), 1);
    stop.abort();
    assert.ok((await Promise.all(many)).every((code) => code === "SANDBOX_CANCELLED"));
    assert.equal(await crowd.call("echo", 1), 1);
  }));

test("what nobody calls is dropped, its process ends, and the next call starts afresh", async () => {
  let hibernated = 0;
  await withShared({ idleMs: 200, onHibernate: () => (hibernated += 1) }, async ({ supervisor, open }) => {
    const plugin = open("sleepy");
    assert.deepEqual([await plugin.call("count"), supervisor.processes().length], [1, 1]);
    await until(() => hibernated === 1 && supervisor.processes().length === 0);
    assert.deepEqual([await plugin.call("count"), supervisor.processes().length], [1, 1]);
  });
});

test("what has a call under way is never dropped, however long it waits", () =>
  withShared({ idleMs: 50 }, async ({ open }) => {
    const [plugin, other] = [open("busy"), open("other")];
    assert.equal(await plugin.call("count"), 1);
    const waiting = plugin.call("never", null, AbortSignal.timeout(1_000)).catch(codeOf);
    // The sweep has come by when it has dropped the other one.
    await other.call("count");
    await until(() => other.compartment.idleSince === undefined && other.compartment.callsUnderWay === 0);
    assert.equal(await plugin.call("count"), 2);
    assert.equal(await waiting, "SANDBOX_CANCELLED");
  }));

test("a plugin that goes on computing for nobody holds its neighbours up for a moment only", () =>
  withShared({}, async ({ open }) => {
    const limits = { cpuMs: 30_000 };
    const [bad, good] = [open("bad", limits), open("good", limits)];
    await Promise.all([bad.call("echo"), good.call("echo")]);
    const stop = new AbortController();
    const left = bad.call("loop", null, stop.signal).catch(codeOf);
    stop.abort();
    assert.equal(await left, "SANDBOX_CANCELLED");
    // Its neighbour's call is lost with the process or comes after it; either way it does not wait for 30 s of CPU.
    const outcome = await good.call("echo", 1).catch(codeOf);
    assert.ok(outcome === 1 || outcome === "SANDBOX_NEIGHBOUR" || outcome === "SANDBOX_CRASHED", String(outcome));
    assert.equal(await good.call("echo", 2), 2);
  }));

test("a bundle larger than may cross is refused each time, and its neighbours go on", () =>
  withShared({}, async ({ open, supervisor }) => {
    const neighbour = open("neighbour");
    assert.equal(await neighbour.call("count"), 1);
    const large = openPlugin(isolate(), new Uint8Array(65 * 1_048_576), {
      plugin: "large",
      supervisor,
      limits: LIMITS,
    });
    for (let round = 0; round < 2; round += 1)
      assert.equal(await large.call("x").catch(codeOf), "WIRE_VALUE_TOO_LARGE");
    assert.equal(await neighbour.call("count"), 2);
  }));
