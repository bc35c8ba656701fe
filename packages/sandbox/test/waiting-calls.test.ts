import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";

import { openPlugin } from "../conformance/open-plugin.ts";
import type { OpenPlugin } from "../conformance/open-plugin.ts";
import type { RunningPlugin, Supervisor } from "../src/node-supervisor.ts";
import { CODE, LIMITS, codeOf, until, withShared } from "./shared-plugins.ts";

/** Longer than any test here takes: what computes so long is ended with its process. */
const LONG_MS = 60_000;
const limits = { cpuMs: 120_000, wallMs: 120_000 };

function of(supervisor: Supervisor, plugin: string): RunningPlugin {
  const found = supervisor.running().find((each) => each.plugin === plugin);
  assert.ok(found !== undefined, `${plugin} runs`);
  return found;
}

/** Calls an action so many times; whoever asks later hears how they ended. */
const many = (plugin: OpenPlugin, count: number, action: string, signal?: AbortSignal): Promise<unknown>[] =>
  Array.from({ length: count }, () => plugin.call(action, 1, signal).catch(codeOf));

test("calls wait while their process starts and loads the plugin", () =>
  withShared({}, async ({ supervisor, open }) => {
    const plugin = open("new");
    const calls = many(plugin, 3, "echo");
    const { callsUnderWay, callsWaiting } = of(supervisor, "new");
    assert.deepEqual([callsUnderWay, callsWaiting], [3, 3]);
    assert.deepEqual(await Promise.all(calls), [1, 1, 1]);
    assert.equal(of(supervisor, "new").callsWaiting, 0);
  }));

test("in a shared process the calls behind a loop wait, a neighbour's too, and the one that loops does not", () =>
  withShared({}, async ({ supervisor, open }) => {
    const [busy, neighbour] = [open("busy", limits), open("neighbour", limits)];
    await Promise.all([busy.call("echo"), neighbour.call("echo")]);
    const [asleep] = many(neighbour, 1, "never");
    await until(() => of(supervisor, "neighbour").callsWaiting === 0);
    const spinning = busy.call("spin", LONG_MS).catch(codeOf);
    const calls = [...many(busy, 4, "echo"), ...many(neighbour, 2, "echo")];
    const left = new AbortController();
    const gone = many(busy, 1, "echo", left.signal);
    const waiting = (): number[] => ["busy", "neighbour"].map((plugin) => of(supervisor, plugin).callsWaiting);
    await until(() => waiting().join() === "5,2");
    assert.deepEqual([of(supervisor, "busy").callsUnderWay, of(supervisor, "neighbour").callsUnderWay], [6, 3]);
    // Who leaves waits no more.
    left.abort();
    await Promise.all(gone);
    assert.deepEqual(waiting(), [4, 2]);
    supervisor.close();
    assert.deepEqual(
      new Set(await Promise.all([spinning, asleep, ...calls])),
      new Set(["SANDBOX_CLOSED"]),
      "the loop was never over",
    );
  }));

test("a call that the plugin began and that waits for something is not in the queue", () =>
  withShared({}, async ({ supervisor, open }) => {
    const plugin = open("patient");
    const left = new AbortController();
    const calls = [...many(plugin, 3, "never", left.signal), ...many(plugin, 2, "ask")];
    await until(() => of(supervisor, "patient").callsWaiting === 0);
    assert.ok(of(supervisor, "patient").callsUnderWay >= 3);
    left.abort();
    await Promise.all(calls);
    assert.deepEqual([of(supervisor, "patient").callsUnderWay, of(supervisor, "patient").callsWaiting], [0, 0]);
  }));

test("where each call has a process for itself, those without one wait", () =>
  withShared({ leases: 2 }, async ({ supervisor }) => {
    const plugin = openPlugin(isolate(), CODE, { plugin: "fresh", supervisor, isFresh: true, limits: LIMITS });
    const stay = new AbortController();
    const first = many(plugin, 2, "never", stay.signal);
    await until(() => of(supervisor, "fresh").callsWaiting === 0);
    const calls = many(plugin, 3, "never", stay.signal);
    const { callsUnderWay, callsWaiting, processes } = of(supervisor, "fresh");
    assert.deepEqual([callsUnderWay, callsWaiting, processes], [5, 3, 2]);
    stay.abort();
    assert.deepEqual(new Set(await Promise.all([...first, ...calls])), new Set(["SANDBOX_CANCELLED"]));
    assert.equal(of(supervisor, "fresh").callsWaiting, 0);
  }));

test("tells who is in which process, and whose memory it is where nobody else was ever there", () =>
  withShared({}, async ({ supervisor, open }) => {
    assert.deepEqual(supervisor.processes(), []);
    const one = open("one");
    await one.call("echo");
    const [alone, ...others] = supervisor.processes();
    assert.deepEqual(others, []);
    assert.deepEqual([alone?.engine, alone?.level, alone?.plugins], ["isolate", "standard", ["one"]]);
    const isTold = process.platform === "linux";
    assert.equal(Number(alone?.pid) > 0, true);
    assert.equal((alone?.heldBytes ?? 0) > 1_000_000, isTold);
    assert.equal(of(supervisor, "one").memoryBytes !== undefined, isTold);
    const two = open("two");
    await two.call("echo");
    assert.deepEqual(
      supervisor.processes().map(({ pid, plugins }) => [pid, plugins]),
      [[alone?.pid, ["one", "two"]]],
    );
    for (const plugin of ["one", "two"]) {
      const { processes, memoryBytes } = of(supervisor, plugin);
      assert.deepEqual([processes, memoryBytes], [1, undefined]);
    }
  }));

test("what waits until its process may start again is in no process", async () => {
  const events: unknown[] = [];
  await withShared({ onLoss: ({ reason }) => events.push(reason) }, async ({ supervisor, open }) => {
    const plugin = open("one");
    // The third one waits 200 ms before it is started.
    for (let count = 1; count <= 3; count += 1) {
      await plugin.call("crash").catch(codeOf);
      await until(() => events.length === count);
    }
    const called = plugin.call("echo", 1);
    assert.deepEqual(supervisor.processes(), []);
    assert.deepEqual([of(supervisor, "one").processes, of(supervisor, "one").callsWaiting], [0, 1]);
    assert.equal(await called, 1);
    assert.equal(supervisor.processes().length, 1);
  });
});
