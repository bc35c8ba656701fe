import assert from "node:assert/strict";
import test from "node:test";

import { formatLockfile, parseLockfile } from "@berth/resolver";
import type { Lockfile } from "@berth/resolver";

import { agree, code, graphOfTen, installGraph, release, versionsOf, withWorld } from "./builders.ts";

test("a lock of one host installs the very same releases on another, whatever was published since", async () => {
  let lock: Lockfile | undefined;
  await withWorld(graphOfTen(), async ({ host, files, server }) => {
    await installGraph(host, { "acme.top": "^1" });
    lock = parseLockfile(formatLockfile(await host.lock()));
    assert.deepEqual(lock.requirements, { "acme.top": "^1" });
    assert.equal(lock.releases.length, 10);
    files.publish(release("acme.core", "2.9.0", { "beta.base": "*" }));
    const before = await versionsOf(host);
    await host.uninstallAll(Object.keys(before));
    assert.equal(await host.graph().then((nodes) => nodes.length), 0);
    const frozen = await host.planGraph({ lock, isFrozen: true });
    await host.installGraph(frozen, agree(frozen));
    assert.deepEqual(await versionsOf(host), before);
    await assert.rejects(host.planGraph({ lock, isFrozen: true }), code("HOST_ALREADY_INSTALLED"));
    assert.ok(server.requests.length > 0);
  });
});

test("without --frozen a lock is a preference, and with it the law", () =>
  withWorld([release("acme.tool", "1.0.0"), release("acme.tool", "1.5.0")], async ({ host }) => {
    await installGraph(host, { "acme.tool": "1.0.0" });
    const lock = await host.lock();
    await host.uninstall("acme.tool");
    const preferring = await host.planGraph({ plugins: { "acme.tool": "^1" }, lock });
    assert.deepEqual(
      preferring.members.map(({ manifest }) => manifest.version),
      ["1.0.0"],
    );
    const moved = { ...lock, requirements: { "acme.tool": "^1.2" } };
    const plan = await host.planGraph({ plugins: { "acme.tool": "^1.2" }, lock: moved });
    assert.deepEqual(
      plan.members.map(({ manifest }) => manifest.version),
      ["1.5.0"],
    );
    await assert.rejects(host.planGraph({ lock: moved, isFrozen: true }), code("RESOLVE_LOCK_STALE", "acme.tool"));
  }));

test("refuses when the registry has other content, another file or the release comes from elsewhere", () =>
  withWorld([release("acme.tool", "1.0.0")], async ({ host }) => {
    await installGraph(host, { "acme.tool": "*" });
    const lock = await host.lock();
    await host.uninstall("acme.tool");
    const [locked] = lock.releases;
    assert.ok(locked);
    for (const change of [
      { contentSha256: "0".repeat(64) },
      { fileSha256: "0".repeat(64) },
      { registry: "https://elsewhere.example/" },
    ]) {
      const changed = { ...lock, releases: [{ ...locked, ...change }] };
      await assert.rejects(host.planGraph({ lock: changed, isFrozen: true }), code("HOST_LOCK_DIFFERS", "acme.tool"));
    }
    assert.deepEqual(await host.list(), []);
  }));

test("a yanked release stays installable from a lock, and is chosen by nobody else", () =>
  withWorld([release("acme.tool", "1.0.0"), release("acme.tool", "1.1.0")], async ({ host, files }) => {
    await installGraph(host, { "acme.tool": "*" });
    const lock = await host.lock();
    await host.uninstall("acme.tool");
    files.changeRelease("acme.tool", "1.1.0", { yanked: { reason: "Loses rows.", at: "2026-02-01T00:00:00.000Z" } });
    const plan = await host.planGraph({ plugins: { "acme.tool": "*" } });
    assert.deepEqual(
      plan.members.map(({ manifest }) => manifest.version),
      ["1.0.0"],
    );
    const frozen = await host.planGraph({ lock, isFrozen: true });
    assert.deepEqual(
      frozen.members.map(({ manifest, yanked }) => [manifest.version, yanked]),
      [["1.1.0", "Loses rows."]],
    );
  }));
