// What says strict keeps fresh state for every call, also where something else raises it to isolated.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { wasm, wasmFresh } from "@berth/engine-wasm";
import type { Host, PolicyInput } from "@berth/host";
import { machineWalls } from "@berth/sandbox";
import type { EngineDescriptor } from "@berth/sandbox";
import type { SecurityLevel } from "@berth/spec";

import { install, makePackage, withHost } from "./fixture.ts";
import { countSandboxHosts, until } from "./sandbox-hosts.ts";

const { full } = await machineWalls(isolate());
const skip = full.kind === "missing" && `no full wall here: ${full.missing.why}`;
const any = { input: true, output: true };
const CODE = `var kept = 0; var berthPlugin = { actions: {
  count: () => kept += 1,
  rest: (ms) => new Promise((wake) => setTimeout(() => wake(kept += 1), ms)),
  fail() { kept += 1; throw new Error("after " + kept); },
  async *counts(n) { for (let i = 0; i < n; i++) yield kept += 1; },
} };`;
const KIT = readFileSync(new URL("../../../engines/wasm/test/fixtures/extism-kit.wasm", import.meta.url));

const script = (level: SecurityLevel): Uint8Array =>
  makePackage({
    code: CODE,
    manifest: {
      level,
      contributes: { actions: { count: any, rest: any, fail: any, counts: { ...any, streams: true } } },
    },
  });
const module = (level: SecurityLevel): Uint8Array =>
  makePackage({
    entry: { path: "plugin.wasm", bytes: KIT },
    manifest: { level, runtime: { kind: "wasm", entry: "plugin.wasm" }, contributes: { actions: { count: any } } },
  });

interface Setting {
  readonly said: string;
  readonly level: SecurityLevel;
  readonly policy: PolicyInput;
}

const FRESH: readonly Setting[] = [
  { said: "the manifest says strict and the policy isolated", level: "strict", policy: { level: "isolated" } },
  {
    said: "the policy says strict and the manifest isolated",
    level: "isolated",
    policy: { level: "strict" },
  },
  {
    said: "the policy says strict and a rule of it isolated",
    level: "standard",
    policy: { level: "strict", rules: [{ plugins: ["acme.*"], level: "isolated" }] },
  },
  {
    said: "two rules of the policy say strict and isolated",
    level: "minimal",
    policy: {
      rules: [
        { plugins: ["acme.demo"], level: "isolated" },
        { plugins: ["acme.*"], level: "strict" },
      ],
    },
  },
];

const INSTALLED: readonly (readonly [string, readonly EngineDescriptor[], (level: SecurityLevel) => Uint8Array])[] = [
  ["with an engine that is fresh by itself", [isolate(), quickjs()], script],
  ["with the isolate alone", [isolate()], script],
  ["in WebAssembly, with an engine that is fresh by itself", [wasm(), wasmFresh()], module],
  ["in WebAssembly, with the engine whose instances stay", [wasm()], module],
];

async function itemsOf(host: Host<string>): Promise<unknown[]> {
  const items: unknown[] = [];
  for await (const item of host.stream("acme.demo", "counts", 3)) items.push(item);
  return items;
}

async function counted(host: Host<string>, caller?: string): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (let n = 0; n < 3; n += 1)
    answers.push(await host.call("acme.demo", "count", null, caller === undefined ? {} : { caller }));
  return answers.map((answer) => (Array.isArray(answer) ? answer[0] : answer));
}

for (const [engines, descriptors, make] of INSTALLED) {
  for (const { said, level, policy } of FRESH) {
    test(`${said}: every call is fresh, ${engines}`, { skip }, () =>
      withHost(
        async (host) => {
          const plan = await host.plan(make(level));
          assert.deepEqual([plan.level, plan.isFresh], ["isolated", true]);
          await install(host, make(level));
          assert.deepEqual(await counted(host), [1, 1, 1]);
          assert.deepEqual(await counted(host, "ann"), [1, 1, 1]);
        },
        { engines: descriptors, policy },
      ),
    );
  }

  test(`nobody says strict: state may stay at isolated, ${engines}`, { skip }, () =>
    withHost(
      async (host) => {
        assert.equal((await host.plan(make("isolated"))).isFresh, false);
        await install(host, make("isolated"));
        assert.deepEqual(await counted(host), [1, 2, 3]);
      },
      { engines: descriptors },
    ),
  );
}

for (const [engines, descriptors] of INSTALLED.slice(0, 2)) {
  const policy: PolicyInput = { level: "isolated" };
  const work = (run: (host: Host<string>) => Promise<void>): Promise<void> =>
    withHost(
      async (host) => {
        await install(host, script("strict"));
        await run(host);
      },
      { engines: descriptors, policy, spares: 0 },
    );

  test(`calls at the same time see nothing of each other, ${engines}`, { skip }, () =>
    work(async (host) => {
      const calls = Array.from({ length: 10 }, () => host.call("acme.demo", "rest", 50));
      assert.deepEqual(new Set(await Promise.all(calls)), new Set([1]));
    }),
  );

  test(`calls that fail, are left, or stream leave nothing behind, ${engines}`, { skip }, () =>
    work(async (host) => {
      for (let n = 0; n < 2; n += 1) await assert.rejects(host.call("acme.demo", "fail", null), /after 1/);
      const stop = new AbortController();
      const left = host.call("acme.demo", "rest", 10_000, { signal: stop.signal });
      setTimeout(() => stop.abort(), 20);
      await assert.rejects(left, { code: "SANDBOX_CANCELLED" });
      for (let n = 0; n < 2; n += 1) assert.deepEqual(await itemsOf(host), [1, 2, 3]);
      assert.deepEqual(await counted(host), [1, 1, 1]);
    }),
  );

  test(`a plugin that was loaded ahead is fresh at its first call, ${engines}`, { skip }, () =>
    work(async (host) => {
      await host.load("acme.demo");
      assert.deepEqual(await counted(host), [1, 1, 1]);
    }),
  );
}

const hasProc = process.platform === "linux";
test(
  "the isolate's process ends with each call that must be fresh",
  { skip: hasProc ? skip : "finds sandbox hosts through /proc" },
  () =>
    withHost(
      async (host) => {
        await install(host, script("strict"));
        await counted(host);
        await until(() => countSandboxHosts() === 0);
      },
      { engines: [isolate()], policy: { level: "isolated" }, spares: 0 },
    ),
);
