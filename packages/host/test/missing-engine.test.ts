// An engine whose binary the machine lacks is named, and everything that does not need it goes on.
import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { EngineDescriptor } from "@berth/sandbox";
import { Supervisor } from "@berth/sandbox";

import { install, makePackage, withHost } from "./fixture.ts";

const gone: EngineDescriptor = {
  ...isolate(),
  missing: { what: "a binary for moon-1", why: "nobody built one", remedy: "Go back to earth." },
};
const MISSING = {
  code: "SANDBOX_ENGINE_MISSING",
  kind: "environment",
  hint: "Go back to earth.",
  message: /acme\.demo needs javascript at level standard.*isolate lacks a binary for moon-1: nobody built one/,
};

test("plugins that need the missing engine are refused with the reason, and those at strict run", () =>
  withHost(
    async (host) => {
      await assert.rejects(host.plan(makePackage()), MISSING);
      await install(host, makePackage({ manifest: { level: "strict" } }));
      assert.equal(await host.call("acme.demo", "echo", 1), 1);
    },
    { engines: [gone, quickjs()] },
  ));

test("what was installed before fails alone when its engine is lost, and comes back with it", () =>
  withHost(
    async (before, dataDir) => {
      await install(before, makePackage());
      await install(before, makePackage({ id: "acme.strict", manifest: { level: "strict" } }));
      await before.close();
      {
        await using without = await openHost<string>({ dataDir, engines: [gone, quickjs()] });
        const states = (await without.list()).map(({ id, state }) => `${id} ${state}`);
        assert.deepEqual(states, ["acme.demo failed", "acme.strict enabled"]);
        assert.match((await without.list())[0]?.reason ?? "", MISSING.message);
        assert.equal(await without.call("acme.strict", "echo", 1), 1);
      }
      await using again = await openHost<string>({ dataDir, engines: [isolate(), quickjs()] });
      assert.equal(await again.call("acme.demo", "echo", 1), 1);
    },
    { engines: [isolate(), quickjs()] },
  ));

test("a supervisor that is given the missing engine says so, and starts nothing", async () => {
  const supervisor = new Supervisor();
  await assert.rejects(supervisor.wallFor(gone, "standard"), { code: "SANDBOX_ENGINE_MISSING" });
  supervisor.close();
});
