import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { HostEvent } from "@berth/host";

import { install, makePackage, withHost } from "../fixture.ts";
import { killSandboxHosts } from "../sandbox-hosts.ts";

const stateOf = async (host: Parameters<Parameters<typeof withHost>[0]>[0], id = "acme.demo"): Promise<unknown> =>
  (await host.list()).find((plugin) => plugin.id === id)?.state;

test("tells every transition from the first installation to the erasure, in order", async () => {
  const events: HostEvent[] = [];
  await withHost(
    async (host) => {
      await install(host);
      await host.disable("acme.demo");
      await host.enable("acme.demo");
      await install(host, makePackage({ version: "1.1.0" }));
      await host.uninstall("acme.demo");
    },
    { onEvent: (event) => events.push(event) },
  );
  assert.deepEqual(
    events.map((event) => (event.kind === "state" ? `${event.from} > ${event.to}` : event.kind)),
    [
      "available > installing",
      "installing > installed",
      "installed > enabled",
      "enabled > disabled",
      "disabled > enabled",
      "enabled > updating",
      "updating > enabled",
      "enabled > uninstalling",
      "uninstalling > available",
    ],
  );
});

test("a disabled plugin is refused by state, loses its calls under way, and stays off over a restart", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await host.call("acme.demo", "share", "kept");
    const lost = assert.rejects(host.call("acme.demo", "loop", null), { code: "SANDBOX_CLOSED" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await host.disable("acme.demo");
    await lost;
    await assert.rejects(host.call("acme.demo", "echo", 1), (error: unknown) => {
      const { code, details } = error as { code: string; details: { state: string } };
      assert.deepEqual([code, details.state], ["HOST_PLUGIN_NOT_ENABLED", "disabled"]);
      return true;
    });
    await host.disable("acme.demo"); // Once more changes nothing.
    await host.close();
    const again = await openHost<string>({ dataDir, engines: [isolate()] });
    assert.equal(await stateOf(again), "disabled");
    await again.enable("acme.demo");
    assert.equal(await again.call("acme.demo", "share", null), "kept");
    await again.close();
  }));

test("installed without being enabled, a plugin waits for a person", () =>
  withHost(async (host) => {
    const plan = await host.plan(makePackage());
    const { state } = await host.install(plan, { grant: [], trustKey: plan.signer.keyId, enable: false });
    assert.equal(state, "installed");
    await assert.rejects(host.call("acme.demo", "echo", 1), { code: "HOST_PLUGIN_NOT_ENABLED" });
    await host.enable("acme.demo");
    assert.equal(await host.call("acme.demo", "echo", 1), 1);
  }));

test("an update leaves the switch as it was", () =>
  withHost(async (host) => {
    await install(host);
    await host.disable("acme.demo");
    await install(host, makePackage({ version: "1.1.0" }));
    assert.equal(await stateOf(host), "disabled");
  }));

test("calls under way end on the old code, the next ones begin on the new", () =>
  withHost(async (host) => {
    const code = (answer: string): string =>
      `var berthPlugin = { actions: { slow: (ms) => new Promise((done) => setTimeout(() => done("${answer}"), ms)) } };`;
    const manifest = { contributes: { actions: { slow: { input: true, output: true } } } };
    await install(host, makePackage({ code: code("old"), manifest }));
    assert.equal(await host.call("acme.demo", "slow", 0), "old");
    const underWay = host.call("acme.demo", "slow", 400);
    await install(host, makePackage({ version: "1.1.0", code: code("new"), manifest }));
    assert.equal(await host.call("acme.demo", "slow", 0), "new");
    assert.equal(await underWay, "old");
  }));

test("a plugin that cannot run here fails alone, and runs again where it can", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await install(host, makePackage({ id: "acme.other" }));
    await host.close();
    const strict = await openHost<string>({ dataDir, engines: [isolate()], policy: { level: "strict" } });
    assert.deepEqual(
      (await strict.list()).map(({ state, reason }) => [state, /runs/.test(reason ?? "")]),
      [
        ["failed", true],
        ["failed", true],
      ],
    );
    await assert.rejects(strict.call("acme.demo", "echo", 1), { code: "HOST_PLUGIN_NOT_ENABLED" });
    await assert.rejects(strict.enable("acme.demo"), { code: "HOST_RUNTIME_UNSUPPORTED" });
    await strict.uninstall("acme.other");
    await strict.close();
    const again = await openHost<string>({ dataDir, engines: [isolate()] });
    assert.equal(await again.call("acme.demo", "echo", 1), 1);
    await again.close();
  }));

test("a stored manifest that this version cannot read stops nobody else", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await install(host, makePackage({ id: "acme.other" }));
    await host.close();
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(join(dataDir, "host.sqlite"));
    database.exec("UPDATE plugins SET manifest = '{\"id\": 5}' WHERE id = 'acme.demo'");
    database.close();
    const again = await openHost<string>({ dataDir, engines: [isolate()] });
    assert.equal(await again.call("acme.other", "echo", 1), 1);
    assert.equal(await stateOf(again), "failed");
    // A release that can be read takes its place.
    await install(again, makePackage({ version: "1.1.0" }));
    assert.equal(await again.call("acme.demo", "echo", 1), 1);
    await again.close();
  }));

test("a stored manifest without the mark of today's checks is checked again at the start, and gets it", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await install(host, makePackage({ id: "acme.other" }));
    await host.close();
    const { DatabaseSync } = await import("node:sqlite");
    const inDatabase = <Answer>(work: (database: InstanceType<typeof DatabaseSync>) => Answer): Answer => {
      const database = new DatabaseSync(join(dataDir, "host.sqlite"));
      try {
        return work(database);
      } finally {
        database.close();
      }
    };
    const marks = (): unknown[] =>
      inDatabase((database) =>
        database
          .prepare("SELECT manifest_checks FROM plugins ORDER BY id")
          .all()
          .map((row) => row["manifest_checks"]),
      );
    const before = marks();
    assert.equal(before.filter((mark) => typeof mark === "string").length, 2);
    // One comes from an older Berth; the other was changed into what no check would let through.
    inDatabase((database) => {
      database.exec("UPDATE plugins SET manifest_checks = NULL WHERE id = 'acme.demo'");
      database.exec(
        `UPDATE plugins SET manifest = replace(manifest, '"id":', '"unknown":1,"id":') WHERE id = 'acme.other'`,
      );
    });
    const again = await openHost<string>({ dataDir, engines: [isolate()] });
    assert.equal(await again.call("acme.demo", "echo", 1), 1);
    assert.equal(await stateOf(again, "acme.other"), "failed");
    await again.close();
    assert.equal(marks()[0], before[0]);
    const third = await openHost<string>({ dataDir, engines: [isolate()] });
    assert.equal(await third.call("acme.demo", "echo", 1), 1);
    await third.close();
  }));

test(
  "three crashes in five minutes put a plugin into quarantine, until a person releases it",
  { skip: process.platform !== "linux" && "finds sandbox hosts through /proc" },
  () =>
    withHost(
      async (host, dataDir) => {
        await install(host);
        const code = async (): Promise<unknown> => {
          const looping = host.call("acme.demo", "loop", null).then(
            () => "answered",
            (error: unknown) => (error as { code: string }).code,
          );
          await new Promise((resolve) => setTimeout(resolve, 150));
          killSandboxHosts();
          return looping;
        };
        for (let count = 0; count < 3; count += 1) {
          assert.equal(await host.call("acme.demo", "echo", count), count);
          assert.equal(await code(), "SANDBOX_CRASHED");
        }
        await assert.rejects(host.disable("acme.demo"), { code: "HOST_TRANSITION_ILLEGAL" });
        await assert.rejects(host.call("acme.demo", "echo", 1), { code: "HOST_PLUGIN_NOT_ENABLED" });
        assert.equal(await stateOf(host), "quarantined");
        // An update of its publisher's does not let it out, nor does a restart.
        await install(host, makePackage({ version: "1.1.0" }));
        assert.equal(await stateOf(host), "quarantined");
        await host.close();
        const again = await openHost<string>({ dataDir, engines: [isolate()] });
        const [plugin] = await again.list();
        assert.match(plugin?.reason ?? "", /crashed three times/);
        await assert.rejects(again.call("acme.demo", "echo", 1), { code: "HOST_PLUGIN_NOT_ENABLED" });
        await again.enable("acme.demo");
        assert.equal(await again.call("acme.demo", "echo", 1), 1);
        assert.equal(
          (await again.journal()).some(({ kind, subject }) => kind === "state" && subject === "quarantined"),
          true,
        );
        await again.close();
      },
      { spares: 0 },
    ),
);

test("a machine that starts no sandbox hosts puts no plugin into quarantine", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await host.close();
    const broken = { ...isolate(), entry: "/nowhere/sandbox-host.mjs" };
    const lame = await openHost<string>({ dataDir, engines: [broken] });
    try {
      for (let count = 0; count < 4; count += 1) {
        await assert.rejects(lame.call("acme.demo", "echo", 1), ({ code }: { code: string }) =>
          // Where walls are built from the missing file, that is what fails.
          ["SANDBOX_START_FAILED", "SANDBOX_WALL_MISSING"].includes(code),
        );
      }
      assert.equal(await stateOf(lame), "enabled");
    } finally {
      await lame.close();
    }
  }));

test("nothing is left of an unloaded plugin: no process, timer, pipe or instance", () =>
  withHost(
    async (host) => {
      await install(host);
      await host.call("acme.demo", "echo", 1); // The schema thread and the store have begun by now.
      await host.unload("acme.demo");
      await new Promise((resolve) => setTimeout(resolve, 300));
      const count = (): string => process.getActiveResourcesInfo().toSorted().join(" ");
      const before = count();
      for (let round = 0; round < 5; round += 1) {
        await Promise.all([
          host.call("acme.demo", "remember", round, { caller: `user${round}` }),
          host.call("acme.demo", "share", round),
        ]);
        if (round % 2 === 0) await host.unload("acme.demo");
        else {
          await host.disable("acme.demo");
          await host.enable("acme.demo");
        }
      }
      await host.unload("acme.demo");
      await new Promise((resolve) => setTimeout(resolve, 300));
      assert.equal(count(), before);
      assert.equal(await host.call("acme.demo", "share", null), 4);
    },
    { spares: 0 },
  ));

test("uninstalling tells before what it erases, exports it, and leaves no trace of it on disk", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    const secret = "the-colour-of-the-cat-is-7f3a";
    await host.call("acme.demo", "share", { secret, bytes: new Uint8Array([1, 2, 3]) });
    await host.call("acme.demo", "remember", secret, { caller: "anna" });
    const preview = await host.previewUninstall("acme.demo");
    assert.deepEqual(
      preview.data.map(({ partition, keys }) => [partition, keys]),
      [
        [undefined, 1],
        ["anna", 1],
      ],
    );
    let text = "";
    for await (const part of host.exportData("acme.demo")) text += part;
    const [head, ...lines] = text
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual(head, {
      format: "berth-plugin-data",
      formatVersion: 2,
      plugin: "acme.demo",
      version: "1.0.0",
    });
    assert.deepEqual(lines, [
      { partition: null, key: "k", bytes: ["AQID"], value: { secret, bytes: { $bytes: 0 } } },
      { partition: "anna", key: "k", value: secret },
    ]);
    const { data, erasedAt } = await host.uninstall("acme.demo");
    assert.deepEqual(data, preview.data);
    assert.ok(Date.parse(erasedAt) > 0);
    for (const name of await readdir(dataDir)) {
      if (name === "packages") continue;
      assert.equal((await readFile(join(dataDir, name))).includes(secret), false, name);
    }
  }));

test("what a plugin was about to write when it was uninstalled is not written", () =>
  withHost(async (host) => {
    const code = `var berthPlugin = { actions: { async flood(value, ctx) {
      const puts = []; for (let i = 0; i < 500; i++) puts.push(ctx.storage.compareAndSet("k" + i, undefined, i)); await Promise.all(puts); return null; } } };`;
    const manifest = { contributes: { actions: { flood: { input: true, output: true } } } };
    for (const waitMs of [0, 5, 20, 60]) {
      await install(host, makePackage({ code, manifest }));
      const flood = host.call("acme.demo", "flood", null).then(
        () => "ended",
        (error: unknown) => (error as { code: string }).code,
      );
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      await host.uninstall("acme.demo");
      assert.ok(
        ["ended", "SANDBOX_CLOSED", "HOST_PLUGIN_NOT_ENABLED", "SANDBOX_PLUGIN_THREW"].includes(await flood),
        await flood,
      );
      await install(host, makePackage({ code, manifest }));
      assert.deepEqual((await host.previewUninstall("acme.demo")).data, []);
      await host.uninstall("acme.demo");
    }
  }));
