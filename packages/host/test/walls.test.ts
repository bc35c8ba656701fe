import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import { machineWalls } from "@berth/sandbox";
import type { WallOptions } from "@berth/sandbox";

import { install, makePackage, withHost } from "./fixture.ts";

const { full } = await machineWalls(isolate());
const skip = full.kind === "missing" && `no full wall here: ${full.missing.why}`;
const NO_BUBBLEWRAP: WallOptions = { searchPath: "/nonexistent" };
const isolated = (): Uint8Array => makePackage({ manifest: { level: "isolated" } });

test("a plugin at isolated runs where the machine has every wall, and nothing is said to be reduced", { skip }, () =>
  withHost(async (host) => {
    const plan = await host.plan(isolated());
    assert.deepEqual([plan.level, plan.reducedBy], ["isolated", []]);
    await install(host, isolated());
    assert.equal(await host.call("acme.demo", "echo", "inside"), "inside");
  }),
);

test("isolated is refused at install without walls, with the remedy", () =>
  withHost(
    async (host) => {
      await assert.rejects(host.plan(isolated()), (error: unknown) => {
        const { code, message, hint } = error as { code: string; message: string; hint: string };
        assert.equal(code, "SANDBOX_WALL_MISSING");
        assert.match(message, /level isolated needs bubblewrap: there is no bwrap on the search path/);
        assert.match(hint, /apt install bubblewrap/);
        return true;
      });
      assert.deepEqual(await host.list(), []);
    },
    { walls: NO_BUBBLEWRAP },
  ));

test("standard says at install what it lacks without walls, and runs", () =>
  withHost(
    async (host) => {
      const { reducedBy } = await host.plan(makePackage());
      assert.equal(reducedBy.length, 1);
      assert.match(reducedBy[0] ?? "", /^no bubblewrap: .*apt install bubblewrap/);
      await install(host);
      assert.equal(await host.call("acme.demo", "echo", 1), 1);
    },
    { walls: NO_BUBBLEWRAP },
  ));

test("minimal promises no namespaces, so it lacks nothing", () =>
  withHost(
    async (host) => assert.deepEqual((await host.plan(makePackage({ manifest: { level: "minimal" } }))).reducedBy, []),
    { walls: NO_BUBBLEWRAP, policy: { level: "minimal" } },
  ));

test("an installed plugin at isolated is not run once the walls are gone", { skip }, async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-walls-"));
  const engines = [isolate()];
  const before = await openHost({ dataDir, engines });
  const plan = await before.plan(isolated());
  await before.install(plan, { grant: [], trustKey: plan.signer.keyId });
  await before.close();
  const after = await openHost({ dataDir, engines, walls: NO_BUBBLEWRAP });
  try {
    // Twice: a refusal is not remembered as a crash, and the answer stays the same.
    for (let tries = 0; tries < 2; tries += 1)
      await assert.rejects(after.call("acme.demo", "echo", 1), { code: "SANDBOX_WALL_MISSING" });
  } finally {
    await after.close();
    await rm(dataDir, { recursive: true });
  }
});
