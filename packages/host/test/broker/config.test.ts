// Settings: defaults at every depth, sealed on disk, and who hears of a change.
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import type { Host, HostEvent } from "@berth/host";

import { until } from "../clock.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  settings: (value, ctx) => ctx.config.get(),
  async reread(change, ctx) {
    if ((await ctx.storage.get("broken")) === true) throw new Error("broken on purpose");
    const heard = (await ctx.storage.get("heard")) ?? [];
    await ctx.storage.put("heard", [...heard, { ...change, topic: ctx.event.topic, now: await ctx.config.get() }]);
  },
  async heard(value, ctx) { return (await ctx.storage.get("heard")) ?? []; },
  async breakDown(value, ctx) { await ctx.storage.put("broken", value); },
} };`;
const UNIT = { type: "object", properties: { unit: { type: "string", default: "km" }, key: { type: "string" } } };

const HEARS = { "host/config-changed": { action: "reread" } };

const bytes = (config: object = UNIT, id = "acme.demo", subscriptions: object = HEARS): Uint8Array =>
  makePackage({
    id,
    code: CODE,
    manifest: {
      config,
      contributes: {
        actions: { settings: any, reread: any, heard: any, breakDown: any },
        subscriptions,
      },
    },
  });

const settings = (host: Host<string>): Promise<unknown> => host.call("acme.demo", "settings", null);
const heard = async (host: Host<string>, id = "acme.demo"): Promise<unknown[]> =>
  (await host.call(id, "heard", null)) as unknown[];

test("defaults apply at every depth, where what they make is whole", () =>
  withHost(async (host) => {
    const port = { type: "integer", default: 80 };
    const config = {
      type: "object",
      $defs: { level: { type: "object", properties: { log: { enum: ["low", "high"], default: "low" } } } },
      properties: {
        server: {
          type: "object",
          properties: { port, tls: { type: "object", properties: { on: { default: true } } } },
        },
        proxy: { type: "object", properties: { host: { type: "string" }, port }, required: ["host"] },
        mirrors: { type: "array", items: { type: "object", properties: { port } } },
        level: { $ref: "#/$defs/level", default: {} },
        filled: { type: "object", properties: { port }, default: { name: "x" } },
      },
    };
    await install(host, bytes(config));
    const untouched = {
      server: { port: 80, tls: { on: true } },
      level: { log: "low" },
      filled: { name: "x", port: 80 },
    };
    assert.deepEqual(await settings(host), untouched);
    await host.setConfig("acme.demo", {
      server: { tls: { on: false } },
      proxy: { host: "a" },
      mirrors: [{}, { port: 1 }],
      level: { log: "high" },
    });
    assert.deepEqual(await settings(host), {
      ...untouched,
      server: { port: 80, tls: { on: false } },
      proxy: { host: "a", port: 80 },
      mirrors: [{ port: 80 }, { port: 1 }],
      level: { log: "high" },
    });
    assert.deepEqual(await host.config("acme.demo"), await settings(host));
  }));

test("settings are on disk only sealed", () =>
  withHost(async (host, dataDir) => {
    const values = ["sealed-name-of-a-server", "sealed-word-of-a-person"] as const;
    // Without a handler, which would keep them in its own storage.
    await install(host, bytes(UNIT, "acme.demo", {}));
    await host.setConfig("acme.demo", { unit: values[0], key: values[1] });
    await host.setConfig("acme.demo", { unit: values[1], key: values[0] });
    assert.deepEqual(await settings(host), { unit: values[1], key: values[0] });
    const onDisk = async (): Promise<string[]> => {
      const found: string[] = [];
      for (const entry of await readdir(dataDir, { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const content = await readFile(join(entry.parentPath, entry.name));
        if (values.some((value) => content.includes(value))) found.push(entry.name);
      }
      return found;
    };
    assert.deepEqual(await onDisk(), []);
    await host.close();
    assert.deepEqual(await onDisk(), []);
  }));

for (const [level, engines] of [
  ["standard", [isolate()]],
  ["strict", [quickjs()]],
] as const) {
  test(`a plugin at ${level} hears of changed settings, and no other plugin does`, () =>
    withHost(
      async (host) => {
        await install(host, bytes());
        await install(host, bytes(UNIT, "acme.other"));
        await host.setConfig("acme.demo", { unit: "mi" });
        await until(async () => (await heard(host)).length === 1);
        await host.setConfig("acme.demo", { unit: "mi" });
        await host.setConfig("acme.demo", { unit: "mi", key: "k" });
        await until(async () => (await heard(host)).length === 2);
        const topic = "host/config-changed";
        assert.deepEqual(await heard(host), [
          { changed: ["unit"], topic, now: { unit: "mi" } },
          { changed: ["key"], topic, now: { unit: "mi", key: "k" } },
        ]);
        assert.deepEqual(await heard(host, "acme.other"), []);
        assert.deepEqual(await host.events.deadLetters(), []);
      },
      { engines: [...engines], policy: { level } },
    ));
}

test("a change waits for a plugin that is switched off, and is told again to one that failed", () =>
  withHost(async (host) => {
    await install(host, bytes());
    await host.disable("acme.demo");
    await host.setConfig("acme.demo", { unit: "mi" });
    await host.enable("acme.demo");
    await until(async () => (await heard(host)).length === 1);
    await host.call("acme.demo", "breakDown", true);
    await host.setConfig("acme.demo", { unit: "m" });
    const failures = async (): Promise<number> =>
      (await host.journal({ pluginId: "acme.demo" })).filter(
        ({ subject, outcome }) => subject === "reread" && outcome !== "ok",
      ).length;
    await until(async () => (await failures()) > 0);
    await host.call("acme.demo", "breakDown", false);
    await until(async () => (await heard(host)).length === 2);
  }));

test("the program hears which settings changed, and the journal keeps it, without their values", async () => {
  const events: HostEvent[] = [];
  await withHost(
    async (host) => {
      await install(host, bytes());
      await host.setConfig("acme.demo", { unit: "never-told" });
      await host.setConfig("acme.demo", { unit: "never-told" });
      const told = events.filter(({ kind }) => kind === "config");
      assert.deepEqual(
        told.map((event) => event.kind === "config" && [event.pluginId, event.changed]),
        [["acme.demo", ["unit"]]],
      );
      const entries = (await host.journal()).filter(({ kind }) => kind === "config");
      assert.deepEqual(
        entries.map(({ pluginId, outcome, detail }) => [pluginId, outcome, detail]),
        [["acme.demo", "ok", '["unit"]']],
      );
      assert.equal(JSON.stringify([events, await host.journal()]).includes("never-told"), false);
      await assert.rejects(
        host.events.subscribe("host/config-changed", () => undefined),
        { code: "HOST_EVENT_UNKNOWN" },
      );
    },
    { onEvent: (event) => void events.push(event) },
  );
});

test("a manifest cannot subscribe to topics of the host that there are not", () =>
  withHost(async (host) => {
    const wrong = makePackage({
      manifest: { contributes: { actions: { a: any }, subscriptions: { "host/other": { action: "a" } } } },
    });
    await assert.rejects(host.plan(wrong), { code: "SPEC_MANIFEST_INVALID" });
  }));

test("settings are no secret that can be erased, and nobody's secret cannot either", () =>
  withHost(async (host) => {
    await install(host, bytes());
    await host.setConfig("acme.demo", { unit: "mi" });
    await assert.rejects(host.removeSecret("acme.demo", "$config"), { code: "HOST_SECRET_INVALID" });
    assert.deepEqual(await settings(host), { unit: "mi" });
    await assert.rejects(host.removeSecret("acme.nobody", "one"), { code: "HOST_PLUGIN_UNKNOWN" });
    assert.deepEqual(await host.journal({ pluginId: "acme.nobody" }), []);
  }));
