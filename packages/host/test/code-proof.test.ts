// What cannot be loaded where it is to run is refused at install, with the reason and the level that would do.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { wasm, wasmFresh } from "@berth/engine-wasm";
import type { Host, HostEvent } from "@berth/host";
import { machineWalls } from "@berth/sandbox";

import { FUNCTION, buildModule } from "../../../engines/wasm/test/module-builder.ts";
import { install, makePackage, withHost } from "./fixture.ts";
import { agree, keyOf, release, withWorld } from "./graph/builders.ts";
import { countSandboxHosts, until } from "./sandbox-hosts.ts";

const { full } = await machineWalls(isolate());
const skip = full.kind === "missing" && `no full wall here: ${full.missing.why}`;
const any = { input: true, output: true };
const manifest = { contributes: { actions: { run: any } }, limits: { cpuMs: 500, wallMs: 20_000 } };
const RUNS = `var berthPlugin = { actions: { run: () => "ran" } };`;
/** Functions nest about 270 deep at strict, and much deeper elsewhere. */
const NESTS = `var nest = (n) => (n === 0 ? 0 : 1 + nest(n - 1)); nest(2000); ${RUNS}`;
/** While a plugin is loaded at strict the clock stands at 1970. */
const ONLY_STRICT = `if (Date.now() !== 0) throw new Error("not strict"); ${RUNS}`;

const script = (code: string, more: object = {}): Uint8Array =>
  makePackage({ code, manifest: { ...manifest, ...more } });
const module = (bytes: Uint8Array): Uint8Array =>
  makePackage({
    entry: { path: "plugin.wasm", bytes },
    manifest: { ...manifest, runtime: { kind: "wasm", entry: "plugin.wasm" } },
  });

const UNLOADABLE: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "an import that nobody knows": [
    module(buildModule({ imports: [{ module: "env", name: "launch", descriptor: FUNCTION }] })),
    /launch/,
  ],
  "an import of WASI": [
    module(buildModule({ imports: [{ module: "wasi_snapshot_preview1", name: "fd_read", descriptor: FUNCTION }] })),
    /fd_read/,
  ],
  "a module that is none": [module(new TextEncoder().encode("not a module")), /WebAssembly|module|magic/i],
  "a text that is no JavaScript": [script("This is prose, and nothing else."), /SyntaxError/],
  "an export of a module": [script("export default { actions: {} };"), /SyntaxError/],
  "a use of WebAssembly": [script(`new WebAssembly.Memory({ initial: 1 }); ${RUNS}`), /WebAssembly/],
  "an error": [script(`throw new Error("no top level today");`), /no top level today/],
  "a loop without end": [script(`for (;;); ${RUNS}`), /timed out|CPU time/],
  "memory without end": [
    script(`var all = []; for (;;) all.push(new Uint8Array(1e6).fill(1)); ${RUNS}`),
    /memory|process ended|allocation/i,
  ],
  "a bundle larger than its memory": [
    script(`${RUNS}//${randomBytes(15_000_000).toString("base64")}`, { limits: { memoryMiB: 8 } }),
    /memory|process ended|larger/i,
  ],
};

async function assertNothingStored(host: Host<string>, dataDir: string): Promise<void> {
  assert.deepEqual(await host.list(), []);
  assert.deepEqual(await readdir(join(dataDir, "packages")).catch(() => []), []);
  assert.deepEqual(
    (await host.journal({})).filter(({ kind }) => kind === "install"),
    [],
  );
}

for (const [what, [bytes, reason]] of Object.entries(UNLOADABLE)) {
  test(`code with ${what} is refused at install, and leaves nothing`, () =>
    withHost(
      async (host, dataDir) => {
        await assert.rejects(install(host, bytes), (error: unknown) => {
          const { code, kind, message, hint } = error as { code: string; kind: string; message: string; hint?: string };
          assert.deepEqual([code, kind, hint], ["HOST_CODE_UNLOADABLE", "input", undefined], message);
          assert.match(message, /acme\.demo 1\.0\.0 cannot be loaded at level standard/);
          assert.match(message, reason);
          return true;
        });
        await assertNothingStored(host, dataDir);
        await install(host, script(RUNS));
        assert.equal(await host.call("acme.demo", "run", null), "ran");
      },
      { engines: [isolate(), wasm()] },
    ));
}

const engines = [isolate(), quickjs(), wasm(), wasmFresh()];
const refusalOf = async (host: Host<string>, bytes: Uint8Array): Promise<string | undefined> => {
  try {
    await install(host, bytes);
  } catch (error) {
    const { code, hint } = error as { code: string; hint?: string };
    assert.equal(code, "HOST_CODE_UNLOADABLE");
    return hint;
  }
  return assert.fail("it was installed");
};

test("what strict lacks is refused with the levels that have it", { skip }, () =>
  withHost(
    async (host) => {
      assert.equal(
        await refusalOf(host, script(NESTS, { level: "minimal" })),
        "It would load at minimal, standard. The operator's policy asks for strict.",
      );
      assert.equal(
        await refusalOf(host, script(NESTS, { level: "standard" })),
        "It would load at standard. The operator's policy asks for strict.",
      );
      assert.equal(await refusalOf(host, script(NESTS, { level: "strict" })), undefined);
    },
    { engines, policy: { level: "strict" } },
  ),
);

test("no level is named below the one that was asked for where the machine has no walls to try it behind", () =>
  withHost(async (host) => assert.equal(await refusalOf(host, script(NESTS)), undefined), {
    engines,
    policy: { level: "strict" },
    walls: { searchPath: "/nonexistent" },
  }));

test("a higher level is named where only that one loads the code", () =>
  withHost(
    async (host) => {
      assert.equal(
        await refusalOf(host, script(ONLY_STRICT, { level: "minimal" })),
        "It would load at strict. The operator's policy asks for standard.",
      );
      assert.equal(
        await refusalOf(host, script(ONLY_STRICT, { level: "standard" })),
        "It would load at strict. The manifest asks for standard.",
      );
    },
    { engines },
  ));

test("what loads at its level is installed there, and nothing it says meanwhile is heard", async () => {
  const lines: string[] = [];
  const events: HostEvent[] = [];
  await withHost(
    async (host) => {
      await install(host, script(`console.log("loaded"); ${RUNS}`));
      assert.deepEqual(lines, []);
      assert.deepEqual(new Set(events.map(({ kind }) => kind)), new Set(["state"]));
      assert.equal(await host.call("acme.demo", "run", null), "ran");
      assert.deepEqual(lines, ["loaded"]);
    },
    { onLog: ({ text }) => lines.push(text), onEvent: (event) => events.push(event) },
  );
});

test("nothing is loaded before somebody agreed to it", () =>
  withHost(async (host) => {
    const plan = await host.plan(script("throw new Error('it ran');"));
    await assert.rejects(host.install(plan, { grant: [] }), { code: "HOST_KEY_UNTRUSTED" });
  }));

test("an update that cannot be loaded is refused, and the release before goes on, also its call under way", () =>
  withHost(async (host) => {
    const waits = `var berthPlugin = { actions: { run: (ms) => new Promise((wake) => setTimeout(() => wake("old"), ms)) } };`;
    await install(host, script(waits));
    const underWay = host.call("acme.demo", "run", 300);
    for (const code of ["throw new Error('new');", `"y".repeat(500000000).split("").length; ${RUNS}`])
      await assert.rejects(install(host, makePackage({ version: "1.1.0", code, manifest })), {
        code: "HOST_CODE_UNLOADABLE",
      });
    assert.equal(await underWay, "old");
    assert.deepEqual(
      (await host.list()).map(({ version, state }) => [version, state]),
      [["1.0.0", "enabled"]],
    );
  }));

test("other changes do not wait for code that is being loaded", () =>
  withHost(async (host) => {
    await install(host, makePackage({ id: "acme.other" }));
    let isRefused = false;
    const refused = install(host, script(`for (;;); ${RUNS}`, { limits: { cpuMs: 3_000, wallMs: 20_000 } })).catch(
      (error: { code: string }) => {
        isRefused = true;
        return error.code;
      },
    );
    await host.disable("acme.other");
    assert.equal(isRefused, false);
    assert.equal(await refused, "HOST_CODE_UNLOADABLE");
  }));

test("of a graph the one that cannot be loaded is named, also when its crash takes the others along", async () => {
  const crashes = `"y".repeat(500000000).split("").length; ${RUNS}`;
  for (const code of ["throw new Error('no');", crashes]) {
    const bad = release("acme.bad", "1.0.0", {}, { code, key: keyOf("acme") });
    const needs = { "acme.bad": "^1", "acme.good": "^1" };
    await withWorld([release("acme.top", "1.0.0", needs), release("acme.good"), bad], async ({ host }) => {
      const plan = await host.planGraph({ plugins: { "acme.top": "^1" } });
      await assert.rejects(host.installGraph(plan, agree(plan)), (error: { code: string; message: string }) => {
        assert.equal(error.code, "HOST_CODE_UNLOADABLE");
        assert.match(error.message, /acme\.bad 1\.0\.0/);
        return true;
      });
      assert.deepEqual(await host.list(), []);
    });
  }
});

test(
  "ten plugins of one publisher are loaded in one process, which is gone afterwards",
  { skip: process.platform !== "linux" && "finds sandbox hosts through /proc" },
  () => {
    const ids = Array.from({ length: 9 }, (_, n) => `acme.part-${n}`);
    const top = release("acme.top", "1.0.0", Object.fromEntries(ids.map((id) => [id, "^1"])));
    return withWorld(
      [top, ...ids.map((id) => release(id))],
      async ({ host }) => {
        const plan = await host.planGraph({ plugins: { "acme.top": "^1" } });
        let most = 0;
        const look = setInterval(() => (most = Math.max(most, countSandboxHosts())), 2);
        await host.installGraph(plan, agree(plan));
        clearInterval(look);
        assert.equal(most, 1);
        await until(() => countSandboxHosts() === 0);
      },
      { spares: 0 },
    );
  },
);

test("what the machine cannot do is not said to be the plugin's fault", async () => {
  const dataless = { ...isolate(), nodeFlags: ["--no-such-flag-of-node"] };
  await withHost(
    async (host) => {
      await assert.rejects(install(host, script(RUNS)), (error: { code: string; kind: string }) => {
        assert.deepEqual([error.kind, error.code.startsWith("SANDBOX_")], ["environment", true]);
        return true;
      });
      assert.deepEqual(await host.list(), []);
    },
    { engines: [dataless] },
  );
});

test(
  "a process that was being made ready when the host closed is gone afterwards",
  { skip: process.platform !== "linux" && "finds sandbox hosts through /proc" },
  async () => {
    for (let round = 0; round < 5; round += 1)
      await withHost(async (host) => {
        await host.plan(script(RUNS));
        if (round > 0) await new Promise((resolve) => setTimeout(resolve, round * 10));
      });
    await until(() => countSandboxHosts() === 0);
  },
);
