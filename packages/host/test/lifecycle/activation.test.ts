import assert from "node:assert/strict";
import test from "node:test";
import { queryObjects } from "node:v8";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { HostEvent } from "@berth/host";
import { SupervisedCompartment } from "@berth/sandbox";

import { InstalledPlugin } from "../../src/call/installed-plugin.ts";
import { startOrder } from "../../src/lifecycle/start-order.ts";
import { install, makePackage, withHost } from "../fixture.ts";

/** Says on the log that its top level ran, then answers what it counted. */
const LOUD = `var count = 0; console.log("loaded"); var berthPlugin = { actions: { count: () => (count += 1) } };`;
/** What passed when it was installed may fail after the operator's policy changed: at strict the clock stands at 1970. */
const THROWS = `if (Date.now() === 0) throw new Error("no top level today"); ${LOUD}`;
const LOOPS = `if (Date.now() === 0) for (;;); ${LOUD}`;
const manifest = { contributes: { actions: { count: { input: true, output: true } } } };

for (const engine of [isolate(), quickjs()]) {
  test(`${engine.name}: loads ahead of the first call, and once`, async () => {
    const lines: string[] = [];
    const level = engine.levels.includes("standard") ? "standard" : "strict";
    await withHost(
      async (host) => {
        await install(host, makePackage({ code: LOUD, manifest }));
        assert.deepEqual(lines, []);
        // At strict each load at the same time would lease a process of its own.
        await (level === "standard"
          ? Promise.all([host.load("acme.demo"), host.load("acme.demo")])
          : host.load("acme.demo"));
        await host.load("acme.demo");
        assert.equal(await host.call("acme.demo", "count", null), 1);
        assert.deepEqual(lines, ["loaded"]);
        await host.disable("acme.demo");
        await assert.rejects(host.load("acme.demo"), { code: "HOST_PLUGIN_NOT_ENABLED" });
        await assert.rejects(host.load("acme.nobody"), { code: "HOST_PLUGIN_UNKNOWN" });
      },
      { engines: [engine], policy: { level }, onLog: ({ text }) => lines.push(text) },
    );
  });
}

test("a load that fails leaves nothing behind, keeps the state, and is tried anew", () =>
  withHost(async (before, dataDir) => {
    await install(before, makePackage({ code: THROWS, manifest }));
    const loops = { id: "acme.loops", code: LOOPS, manifest: { ...manifest, limits: { cpuMs: 300 } } };
    await install(before, makePackage(loops));
    await before.close();
    const host = await openHost<string>({ dataDir, engines: [isolate(), quickjs()], policy: { level: "strict" } });
    try {
      for (let round = 0; round < 2; round += 1) {
        await assert.rejects(host.load("acme.demo"), { code: "SANDBOX_LOAD_FAILED" });
        assert.equal(queryObjects(SupervisedCompartment), 0);
      }
      assert.equal((await host.list())[0]?.state, "enabled");
      await assert.rejects(host.load("acme.loops"), ({ code }: { code: string }) =>
        /CPU|DEADLINE|LOAD_FAILED/.test(code),
      );
      await install(host, makePackage({ version: "1.2.0", code: LOUD, manifest }));
      await host.load("acme.demo");
      assert.equal(await host.call("acme.demo", "count", null), 1);
    } finally {
      await host.close();
    }
  }));

test("a host starts what its policy names, those who are needed first; one that cannot be started fails alone", async () => {
  const lines: string[] = [];
  const events: HostEvent[] = [];
  const onLog = ({ pluginId, text }: { pluginId: string; text: string }): void =>
    void lines.push(`${pluginId} ${text}`);
  await withHost(
    async (host, dataDir) => {
      const make = (id: string, needs: readonly string[], code = LOUD): Uint8Array =>
        makePackage({
          id,
          code,
          manifest: { ...manifest, dependencies: Object.fromEntries(needs.map((need) => [need, "^1"])) },
        });
      // Named so that the order of ids is not the order of needs.
      await install(host, make("acme.z-base", []));
      await install(host, make("acme.m-broken", ["acme.z-base"], THROWS));
      await install(host, make("acme.a-top", ["acme.m-broken"]));
      await install(host, make("acme.off", []));
      await host.disable("acme.off");
      await install(host, make("other.unnamed", []));
      await host.close();
      assert.deepEqual(lines, []);
      const again = await openHost<string>({
        dataDir,
        engines: [isolate(), quickjs()],
        policy: { preload: ["acme.*"], rules: [{ plugins: ["acme.m-broken"], level: "strict" }] },
        onLog,
        onEvent: (event) => events.push(event),
      });
      try {
        assert.deepEqual(lines, ["acme.z-base loaded", "acme.a-top loaded"]);
        const states = (await again.list()).map(({ id, state }) => `${id} ${state}`);
        assert.deepEqual(states, [
          "acme.a-top enabled",
          "acme.m-broken failed",
          "acme.off disabled",
          "acme.z-base enabled",
          "other.unnamed enabled",
        ]);
        const [failed] = events.filter((event) => event.kind === "state" && event.to === "failed");
        assert.match(failed?.kind === "state" ? (failed.reason ?? "") : "", /could not be started/);
        await assert.rejects(again.call("acme.m-broken", "count", null), { code: "HOST_PLUGIN_NOT_ENABLED" });
        assert.equal(await again.call("acme.a-top", "count", null), 1);
        // Whoever mended it may try again without a restart.
        assert.equal((await again.enable("acme.m-broken")).state, "enabled");
      } finally {
        await again.close();
      }
    },
    { onLog },
  );
});

test("the order of starts follows needs, leaves out lazy ones, and ends also where needs go in a circle", () => {
  const needs = (dependencies: object): never => ({ dependencies, optionalDependencies: {} }) as never;
  const manifests = new Map([
    ["a", needs({ b: "^1", c: { range: "^1", lazy: true } })],
    ["b", needs({ d: { range: "^1", lazy: false } })],
    ["c", needs({ a: "^1" })],
    ["d", needs({ absent: "^1" })],
    ["x", needs({ y: "^1" })],
    ["y", needs({ x: "^1" })],
  ]);
  assert.deepEqual(startOrder(["a", "b", "c", "d", "x", "y"], manifests), [["d"], ["b"], ["a"], ["c"], ["x", "y"]]);
  assert.deepEqual(startOrder([], manifests), []);
});

test("an unloaded, replaced or erased plugin is held by nothing", () =>
  withHost(async (host) => {
    for (const id of ["acme.one", "acme.two"]) await install(host, makePackage({ id }));
    for (const caller of ["ann", "bob"]) {
      await host.call("acme.one", "remember", 1, { caller });
      await host.call("acme.two", "share", 1, { caller });
    }
    assert.equal(queryObjects(SupervisedCompartment), 4);
    await host.unload("acme.one");
    assert.equal(queryObjects(SupervisedCompartment), 2);
    await install(host, makePackage({ id: "acme.two", version: "1.1.0" }));
    assert.deepEqual([queryObjects(SupervisedCompartment), queryObjects(InstalledPlugin)], [0, 2]);
    await host.call("acme.two", "echo", 1);
    await host.uninstall("acme.two");
    assert.deepEqual([queryObjects(SupervisedCompartment), queryObjects(InstalledPlugin)], [0, 1]);
    await host.call("acme.one", "echo", 1);
    await host.uninstall("acme.one");
    assert.deepEqual([queryObjects(SupervisedCompartment), queryObjects(InstalledPlugin)], [0, 0]);
  }));
