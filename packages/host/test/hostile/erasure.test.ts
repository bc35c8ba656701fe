import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { Store } from "@berth/store";

import { DailyBytes } from "../../src/broker/daily-bytes.ts";
import { migrations } from "../../src/migrations.ts";
import { publisher, subscriber } from "../events/plugins-of-events.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async see(name, ctx) { try { return await ctx.secrets.reveal(name); } catch (error) { return error.code; } },
  schedule: (value, ctx) => ctx.schedules.set("daily", { cron: "0 0 * * *", action: "see" }),
} };`;
const made = (): Uint8Array =>
  makePackage({
    code: CODE,
    manifest: {
      secrets: ["one"],
      permissions: [{ name: "secrets_access", names: ["one"], reveal: true, optional: true, reason: "to test" }],
      contributes: { actions: { see: any, schedule: any } },
    },
  });

test("what a request that outlives its plugin has spent is not written down for nobody", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-erased-"));
  const store = await Store.open({ file: join(folder, "host.sqlite"), migrations });
  try {
    const bytes = new DailyBytes(store, () => new Date());
    await bytes.of("acme.gone");
    await bytes.save("acme.gone", 1_000);
    assert.deepEqual(await store.all("SELECT * FROM network_use"), []);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});

test("a plugin that comes again asks for its permissions again", () =>
  withHost(
    async (host) => {
      for (let round = 0; round < 2; round += 1) {
        const plan = await host.plan(made());
        await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
        assert.equal(await host.call("acme.demo", "see", "one"), "BROKER_DENIED");
        assert.equal((await host.permissionRequests()).length, 1);
        await host.uninstall("acme.demo");
        assert.deepEqual(await host.permissionRequests(), []);
      }
    },
    { policy: { isUnattended: true } },
  ));

test("the preview of an uninstall counts everything that the receipt then says was erased", () =>
  withHost(async (host) => {
    await install(host, made());
    await host.setSecret("acme.demo", "one", "first");
    await host.call("acme.demo", "schedule", null);
    const preview = await host.previewUninstall("acme.demo");
    assert.deepEqual(preview, {
      pluginId: "acme.demo",
      version: "1.0.0",
      data: [],
      grants: 1,
      secrets: 1,
      schedules: 1,
      events: 0,
      unneeded: [],
    });
    const { erasedAt: _erasedAt, contentDigest: _contentDigest, ...erased } = await host.uninstall("acme.demo");
    assert.deepEqual(erased, preview);
    await install(host, publisher());
    await install(host, subscriber());
    await host.disable("acme.sub");
    await host.call("acme.pub", "publish", ["kept", 1]);
    assert.equal((await host.previewUninstall("acme.sub")).events, 1);
    assert.equal((await host.previewUninstall("acme.pub")).events, 1);
  }));

test("an export holds settings and schedules, and no secret", () =>
  withHost(async (host) => {
    await install(
      host,
      makePackage({
        code: CODE,
        manifest: {
          secrets: ["one"],
          config: { type: "object", properties: { unit: { type: "string", default: "km" } } },
          contributes: {
            actions: { see: any, schedule: any },
            schedules: { yearly: { cron: "0 0 1 1 *", action: "see" } },
          },
        },
      }),
    );
    const exported = async (): Promise<unknown[]> => {
      let text = "";
      for await (const part of host.exportData("acme.demo")) text += part;
      assert.equal(text.includes("never-exported"), false);
      return text
        .trimEnd()
        .split("\n")
        .slice(1)
        .map((line): unknown => JSON.parse(line));
    };
    await host.setSecret("acme.demo", "one", "never-exported");
    assert.deepEqual(await exported(), [], "neither defaults nor what the manifest declares");
    await host.setConfig("acme.demo", { unit: "mi" });
    await host.call("acme.demo", "schedule", null);
    await host.call("acme.demo", "schedule", null, { caller: "anna" });
    const schedule = {
      schedule: "daily",
      cron: "0 0 * * *",
      timeZone: "UTC",
      action: "see",
      missed: "once",
      input: null,
    };
    assert.deepEqual(await exported(), [
      { settings: { unit: "mi" } },
      { ...schedule, partition: null },
      { ...schedule, partition: "anna" },
    ]);
  }));
