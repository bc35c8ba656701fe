import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";

import { agree, code, graphOfTen, installGraph, release, versionsOf, withWorld } from "./builders.ts";

test("installs a graph of ten in one step, what is needed first, and runs it", () =>
  withWorld(graphOfTen(), async ({ host, dataDir }) => {
    const progress: string[] = [];
    const plan = await host.planGraph({ plugins: { "acme.top": "^1" }, onProgress: ({ step }) => progress.push(step) });
    assert.deepEqual(await host.list(), [], "a plan installs nothing");
    assert.deepEqual(await readdir(join(dataDir, "packages")), []);
    const order = plan.members.map(({ manifest }) => manifest.id);
    for (const { manifest } of plan.members) {
      for (const needed of Object.keys(manifest.dependencies))
        assert.ok(order.indexOf(needed) < order.indexOf(manifest.id), `${needed} before ${manifest.id}`);
    }
    assert.deepEqual(new Set(progress), new Set(["resolving", "downloading"]));
    assert.deepEqual(
      plan.origins.map(({ publisher, isNew }) => [publisher, isNew]),
      [
        ["acme", true],
        ["beta", true],
      ],
    );
    const installed = await host.installGraph(plan, agree(plan));
    assert.equal(installed.length, 10);
    assert.equal((await host.list()).length, 10);
    assert.equal(await host.call("acme.top", "echo", 7), 7);
    const nodes = await host.graph();
    assert.equal(nodes.find(({ id }) => id === "acme.top")?.askedRange, "^1");
    assert.equal(nodes.find(({ id }) => id === "beta.base")?.askedRange, undefined);
    assert.deepEqual(
      nodes.filter(({ isUnneeded }) => isUnneeded),
      [],
    );
    await assert.rejects(installGraph(host, { "acme.top": "^1" }), code("HOST_ALREADY_INSTALLED"));
  }));

test("needs consent to every permission of every member, and confirmation of every new key", () =>
  withWorld(
    [
      release("acme.alpha", "1.0.0", { "beta.bravo": "^1" }),
      release(
        "beta.bravo",
        "1.0.0",
        {},
        {
          manifest: {
            permissions: [{ name: "network_restricted", hosts: ["data.example"], reason: "Reads the rates." }],
          },
        },
      ),
    ],
    async ({ host }) => {
      const plan = await host.planGraph({ plugins: { "acme.alpha": "*" } });
      const all = agree(plan);
      await assert.rejects(host.installGraph(plan, { ...all, grants: {} }), code("HOST_CONSENT_MISSING", "beta.bravo"));
      for (const keyId of all.trustKeys) {
        const others = all.trustKeys.filter((each) => each !== keyId);
        await assert.rejects(host.installGraph(plan, { ...all, trustKeys: others }), code("HOST_KEY_UNTRUSTED"));
      }
      assert.deepEqual(await host.list(), []);
      await host.installGraph(plan, all);
      assert.equal((await host.list()).find(({ id }) => id === "beta.bravo")?.permissions.length, 1);
    },
  ));

test("what is installed stays as it is, and its name is not told to anybody", () =>
  withWorld(
    [
      release("acme.old"),
      release("acme.old", "1.1.0"),
      release("acme.new", "1.0.0", { "beta.part": "^1" }),
      release("beta.part"),
    ],
    async ({ host, server }) => {
      await installGraph(host, { "acme.old": "1.0.0" });
      server.requests.length = 0;
      assert.deepEqual(await installGraph(host, { "acme.new": "*" }), ["beta.part 1.0.0", "acme.new 1.0.0"]);
      assert.equal((await versionsOf(host))["acme.old"], "1.0.0");
      assert.ok(!server.requests.some((path) => path.includes("old")), server.requests.join("\n"));
    },
  ));

test("moves an installed plugin only when it stands in the way, and keeps what was asked for", () =>
  withWorld(
    [
      release("acme.part", "1.0.0"),
      release("acme.part", "1.4.0"),
      release("acme.part", "2.0.0"),
      release("acme.needs-new", "1.0.0", { "acme.part": "^1.3" }),
      release("acme.needs-two", "1.0.0", { "acme.part": "^2" }),
    ],
    async ({ host }) => {
      await installGraph(host, { "acme.part": "1.0.0 - 1.9.0" });
      const plan = await host.planGraph({ plugins: { "acme.part": "1.0.0" } });
      await host.installGraph(plan, agree(plan));
      await assert.rejects(
        installGraph(host, { "acme.needs-new": "*" }),
        code("RESOLVE_NO_SOLUTION", "acme.part", "acme.needs-new"),
      );
      const wider = await host.planGraph({ plugins: { "acme.needs-new": "*", "acme.part": "^1" } });
      await host.installGraph(wider, agree(wider));
      assert.deepEqual(await versionsOf(host), { "acme.needs-new": "1.0.0", "acme.part": "1.4.0" });
      await assert.rejects(installGraph(host, { "acme.needs-two": "*" }), (error: { code: string; hint: string }) => {
        assert.equal(error.code, "RESOLVE_NO_SOLUTION");
        assert.equal(error.hint, "Do without acme.needs-two.");
        return true;
      });
    },
  ));

test("an installed dependency that nobody asked for moves along without a word", () =>
  withWorld(
    [release("acme.part", "1.0.0"), release("acme.first", "1.0.0", { "acme.part": "^1" })],
    async ({ host, files }) => {
      await installGraph(host, { "acme.first": "*" });
      files.publish(release("acme.part", "1.2.0"), release("acme.second", "1.0.0", { "acme.part": "^1.2" }));
      assert.deepEqual(await installGraph(host, { "acme.second": "*" }), ["acme.part 1.2.0", "acme.second 1.0.0"]);
      assert.equal(await host.call("acme.first", "echo", "still"), "still");
    },
  ));

test("refuses a circle in which everybody needs the next at once, and shows it", () =>
  withWorld(
    [
      release("acme.hen", "1.0.0", { "acme.egg": "^1" }),
      release("acme.egg", "1.0.0", { "acme.hen": "^1" }),
      release("acme.road", "1.0.0", { "acme.hen": "^1" }),
    ],
    async ({ host, server }) => {
      await assert.rejects(
        installGraph(host, { "acme.road": "*" }),
        code("RESOLVE_CYCLE", '"acme.egg" → "acme.hen" → "acme.egg"'),
      );
      assert.ok(!server.requests.some((path) => path.startsWith("packages/")), "nothing is downloaded for it");
    },
  ));

test("installs a circle with a lazy need in it", () =>
  withWorld(
    [
      release("acme.hen", "1.0.0", { "acme.egg": { range: "^1", lazy: true } }),
      release("acme.egg", "1.0.0", { "acme.hen": "^1" }),
    ],
    async ({ host }) => {
      assert.deepEqual(await installGraph(host, { "acme.egg": "*" }), ["acme.hen 1.0.0", "acme.egg 1.0.0"]);
      assert.equal(await host.call("acme.hen", "echo", 1), 1);
    },
  ));

test("a package at hand brings its dependencies from the registry", () =>
  withWorld([release("beta.part", "1.3.0")], async ({ host }) => {
    const file = release("acme.local", "0.1.0", { "beta.part": "^1" });
    await assert.rejects(host.plan(file.bytes), code("HOST_DEPENDENCY_UNMET", "beta.part"));
    const plan = await host.planGraph({ packages: [file.bytes] });
    assert.deepEqual(
      plan.members.map(({ manifest, registry }) => [manifest.id, registry !== undefined]),
      [
        ["beta.part", true],
        ["acme.local", false],
      ],
    );
    await host.installGraph(plan, agree(plan));
    assert.equal(await host.call("acme.local", "echo", 3), 3);
  }));

test("what others need cannot be removed alone, and what nobody needs is offered", () =>
  withWorld(graphOfTen(), async ({ host }) => {
    await installGraph(host, { "acme.top": "^1" });
    await assert.rejects(host.uninstall("beta.base"), code("HOST_PLUGIN_NEEDED", "acme.core, beta.table, beta.words"));
    await assert.rejects(host.uninstallAll(["acme.top", "beta.base"]), code("HOST_PLUGIN_NEEDED"));
    assert.equal((await host.list()).length, 10);
    await host.uninstall("acme.top");
    const unneeded = (await host.graph()).filter(({ isUnneeded }) => isUnneeded).map(({ id }) => id);
    assert.equal(unneeded.length, 9);
    await host.uninstallAll(unneeded);
    assert.deepEqual(await host.list(), []);
  }));

test("what a plugin needs stays needed while it cannot run here", () =>
  withWorld(
    [release("acme.alpha", "1.0.0", { "acme.bravo": "^1" }), release("acme.bravo")],
    async ({ host, dataDir }) => {
      await installGraph(host, { "acme.alpha": "*" });
      await host.close();
      const idle = await openHost({ dataDir, engines: [] });
      assert.deepEqual(
        (await idle.list()).map(({ state }) => state),
        ["failed", "failed"],
      );
      assert.deepEqual(
        (await idle.graph()).filter(({ isUnneeded }) => isUnneeded),
        [],
      );
      await assert.rejects(idle.uninstall("acme.bravo"), code("HOST_PLUGIN_NEEDED", "acme.alpha"));
      await idle.close();
    },
  ));

test("refuses a release that others do not fit", () =>
  withWorld([release("acme.alpha", "1.0.0", { "acme.bravo": "^1" }), release("acme.bravo")], async ({ host }) => {
    await installGraph(host, { "acme.alpha": "*" });
    const other = release("acme.bravo", "2.0.0");
    await assert.rejects(host.plan(other.bytes), code("HOST_DEPENDENCY_UNMET", "acme.alpha 1.0.0 needs acme.bravo ^1"));
    await assert.rejects(host.planGraph({ packages: [other.bytes] }), code("RESOLVE_NO_SOLUTION"));
  }));

for (const [what, edit, found] of [
  [
    "is of another version",
    `UPDATE plugins SET version = '0.9.0', manifest = replace(manifest, '"version":"1.0.0"', '"version":"0.9.0"')`,
    "0.9.0 is installed",
  ],
  ["is gone", "DELETE FROM plugins", "which is not installed"],
]) {
  test(`a plugin is not started when a dependency ${what} since it was installed`, () =>
    withWorld([release("acme.alpha", "1.0.0", { "acme.bravo": "^1" }), release("acme.bravo")], async (world) => {
      await installGraph(world.host, { "acme.alpha": "*" });
      assert.equal(await world.host.call("acme.alpha", "echo", 1), 1);
      await world.host.close();
      const database = new DatabaseSync(join(world.dataDir, "host.sqlite"));
      assert.equal(database.prepare(`${edit} WHERE id = 'acme.bravo'`).run().changes, 1);
      database.close();
      await using host = await openHost({ dataDir: world.dataDir, engines: [isolate()] });
      const unmet = code("HOST_DEPENDENCY_UNMET", "acme.alpha 1.0.0 needs acme.bravo ^1", found ?? "");
      await assert.rejects(host.call("acme.alpha", "echo", 1), unmet);
    }));
}

test("asking for an installed dependency makes it asked for", () =>
  withWorld([release("acme.alpha", "1.0.0", { "acme.bravo": "^1" }), release("acme.bravo")], async ({ host }) => {
    await installGraph(host, { "acme.alpha": "*" });
    assert.deepEqual(await installGraph(host, { "acme.bravo": "^1" }), []);
    await host.uninstall("acme.alpha");
    assert.deepEqual(
      (await host.graph()).map(({ id, isUnneeded }) => [id, isUnneeded]),
      [["acme.bravo", false]],
    );
  }));

test("of two installs planned for one state, one is told to plan again", () =>
  withWorld(
    [release("acme.alpha"), release("acme.bravo", "1.0.0", { "acme.delta": "^1" }), release("acme.delta")],
    async ({ host }) => {
      const [first, second] = await Promise.all([
        host.planGraph({ plugins: { "acme.alpha": "*" } }),
        host.planGraph({ plugins: { "acme.bravo": "*" } }),
      ]);
      const results = await Promise.allSettled([
        host.installGraph(first, agree(first)),
        host.installGraph(second, agree(second)),
      ]);
      // Their code is proved side by side: whichever is done with it first is installed.
      const [refused, ...others] = results.filter(({ status }) => status === "rejected");
      assert.ok(refused?.status === "rejected" && others.length === 0);
      code("HOST_PLAN_STALE")(refused.reason);
      const isFirst = results[0].status === "fulfilled";
      assert.deepEqual(
        await versionsOf(host),
        isFirst ? { "acme.alpha": "1.0.0" } : { "acme.bravo": "1.0.0", "acme.delta": "1.0.0" },
      );
      await installGraph(host, { [isFirst ? "acme.bravo" : "acme.alpha"]: "*" });
      assert.equal((await host.list()).length, 3);
    },
  ));

test("a graph goes back to a lower version only where somebody agreed to it", () =>
  withWorld([release("acme.alpha", "1.0.0"), release("acme.alpha", "1.1.0")], async ({ host }) => {
    await installGraph(host, { "acme.alpha": "1.1.0" });
    const plan = await host.planGraph({ plugins: { "acme.alpha": "1.0.0" } });
    const { downgrades: _none, ...consent } = agree(plan);
    await assert.rejects(host.installGraph(plan, consent), code("HOST_DOWNGRADE_UNCONSENTED", "1.1.0"));
    await host.installGraph(plan, { ...consent, downgrades: ["acme.alpha"] });
    assert.deepEqual(await versionsOf(host), { "acme.alpha": "1.0.0" });
  }));
