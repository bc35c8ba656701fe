import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { Host, HostOptions } from "@berth/host";
import { statedPermissionSchema } from "@berth/spec";

import type { HourlyCounts } from "../../src/broker/hourly-counts.ts";
import { makePluginsService } from "../../src/broker/plugins.ts";
import type { PluginsParts } from "../../src/broker/plugins.ts";
import type { ServiceCall } from "../../src/broker/service.ts";
import { CallLabel } from "../../src/labels/call-label.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const actions = {
  call: any,
  many: any,
  echo: any,
  keep: any,
  reveal: any,
  fail: any,
  wait: any,
  relay: any,
  secretly: any,
};
const CODE = `
  const tell = (error) => ({ code: error.code ?? error.name, details: error.details ?? null });
  var berthPlugin = { actions: {
  async call([id, action, input], ctx) {
    try { return { ok: await ctx.plugins.call(id, action, input) }; } catch (error) { return tell(error); }
  },
  async many([times, id, action], ctx) {
    const one = async () => { try { await ctx.plugins.call(id, action, 1); return "ok"; } catch (error) { return error.code; } };
    return Promise.all(Array.from({ length: times }, one));
  },
  echo: (value) => value,
  async keep(value, ctx) { await ctx.user.storage.put("k", value); return (await ctx.user.storage.list()).keys; },
  async reveal(name, ctx) { try { return { ok: await ctx.secrets.reveal(name) }; } catch (error) { return tell(error); } },
  fail() { const error = new TypeError("the words of the callee"); error.code = "MINE"; throw error; },
  wait: (value, ctx) => new Promise((resolve) => { ctx.signal.addEventListener("abort", () => resolve("heard")); setTimeout(resolve, 60000); }),
  // Goes on along a list of plugins, and answers with what happened at its end.
  async relay([next, ...rest], ctx) {
    if (next === undefined) return "end";
    try { return await ctx.plugins.call(next, "relay", rest); } catch (error) { return { at: ctx.plugin.id, ...tell(error) }; }
  },
  async secretly(value, ctx) { try { await ctx.storage.put("k", value); return "changed"; } catch (error) { return error.code; } },
} };`;

const mayCall = (targets: string[], more: object = {}): object => ({
  name: "platform_services",
  plugins: { actions: targets, perHour: 10_000, ...more },
  reason: "to test",
});

interface Made {
  readonly id: string;
  readonly calls?: string[];
  readonly needs?: string[];
  readonly may?: object;
  readonly manifest?: object;
}

/** A plugin that may call what is listed, and depends on as much. */
const made = ({ id, calls = [], may = {}, manifest = {}, needs }: Made): Uint8Array =>
  makePackage({
    id,
    code: CODE,
    manifest: {
      contributes: { actions },
      optionalDependencies: Object.fromEntries(
        (needs ?? [...new Set(calls.map((each) => each.slice(0, each.indexOf("/"))))]).map((each) => [each, "*"]),
      ),
      permissions: calls.length === 0 ? [] : [mayCall(calls, may)],
      ...manifest,
    },
  });

const call = (host: Host<string>, target: unknown[], options: object = {}): Promise<unknown> =>
  host.call("acme.aa", "call", target, options);

const denial = (details: object): object => ({
  code: "BROKER_DENIED",
  details: { permission: "platform_services", ...details },
});

test("calls an action of another plugin, for the same partition, and the journal tells who called", () =>
  withHost(async (host) => {
    await install(host, made({ id: "acme.bb" }));
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"] }));
    const input = JSON.parse(
      '{"bytes": null, "__proto__": {"polluted": 1}, "constructor": {"prototype": {"x": 1}}}',
    ) as object;
    assert.deepEqual(await call(host, ["acme.bb", "echo", input]), { ok: input });
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
    assert.deepEqual(await call(host, ["acme.bb", "echo", new Uint8Array([1, 2])]), { ok: new Uint8Array([1, 2]) });
    await host.call("acme.bb", "keep", 1, { caller: "bert" });
    assert.deepEqual(await call(host, ["acme.bb", "keep", 1], { caller: "anna" }), { ok: ["k"] });
    assert.deepEqual(await call(host, ["acme.bb", "keep", 1]), {
      code: "BROKER_CALLEE_FAILED",
      details: {
        code: "SANDBOX_PLUGIN_THREW",
        thrown: {
          name: "BerthError",
          message: "the action keep was called without a partition, so there is no storage of the caller's",
          code: "BROKER_NO_CALLER",
        },
      },
    });
    const journal = await host.journal({ pluginId: "acme.bb" });
    // One line, or several on a slow machine: equal uses are one within 100 ms.
    const echoes = journal.filter(({ kind, subject }) => kind === "call" && subject === "echo");
    assert.deepEqual([...new Set(echoes.map(({ detail }) => detail))], ["called by acme.aa"]);
    const suggested = await host.suggestPermissions("acme.aa");
    assert.deepEqual((suggested.permissions[0] as { plugins?: { actions: unknown } } | undefined)?.plugins?.actions, [
      "acme.bb/echo",
      "acme.bb/keep",
    ]);
  }));

test("the same at strict", () =>
  withHost(
    async (host) => {
      await install(host, made({ id: "acme.bb" }));
      await install(host, made({ id: "acme.aa", calls: ["acme.bb/echo"] }));
      assert.deepEqual(await call(host, ["acme.bb", "echo", { x: [1] }]), { ok: { x: [1] } });
    },
    { engines: [quickjs()], policy: { level: "strict" } },
  ));

test("a denial names the party and the parameter", async () => {
  const only = statedPermissionSchema.parse(mayCall(["acme.bb/echo"]));
  const options: Partial<HostOptions<string>> = {
    rightsOf: (user) => (user === "anna" ? [only] : []),
    policy: { rules: [{ plugins: ["acme.aa"], ceilings: [statedPermissionSchema.parse(mayCall(["acme.bb/*"]))] }] },
  };
  await withHost(async (host) => {
    await install(host, made({ id: "acme.bb" }));
    await install(host, made({ id: "acme.cc" }));
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/echo", "acme.bb/keep", "acme.cc/*"] }));
    const denied = (term: string, parameter = "plugins.actions"): object => denial({ term, parameter });
    assert.deepEqual(await call(host, ["acme.bb", "fail", 1]), denied("manifest"));
    assert.deepEqual(await call(host, ["acme.cc", "echo", 1]), denied("policy"));
    assert.deepEqual(await call(host, ["acme.bb", "echo", 1], { caller: "anna" }), { ok: 1 });
    assert.deepEqual(await call(host, ["acme.bb", "keep", 1], { caller: "anna" }), denied("caller"));
    assert.deepEqual(await call(host, ["acme.bb", "echo", 1], { caller: "bert" }), denial({ term: "caller" }));
    await host.revoke("acme.aa", "platform_services");
    assert.deepEqual(await call(host, ["acme.bb", "echo", 1]), denial({ term: "grant" }));
    const subjects = (await host.journal({ pluginId: "acme.aa" })).filter(({ kind }) => kind === "denial");
    assert.deepEqual([...new Set(subjects.map(({ subject }) => String(subject)))].toSorted(), [
      "plugins.call platform_services",
      "plugins.call platform_services.plugins.actions",
    ]);
  }, options);
});

test("calls only what the manifest depends on, and what is installed, enabled and has the action", () =>
  withHost(async (host) => {
    await install(host, made({ id: "acme.bb" }));
    await install(
      host,
      made({ id: "acme.aa", calls: ["acme.bb/*", "acme.cc/*", "acme.dd/*"], needs: ["acme.bb", "acme.dd"] }),
    );
    const failed = (code: string): object => ({ code: "BROKER_CALLEE_FAILED", details: { code } });
    assert.deepEqual(await call(host, ["acme.cc", "echo", 1]), { code: "BROKER_NOT_A_DEPENDENCY", details: null });
    assert.deepEqual(await call(host, ["acme.dd", "echo", 1]), failed("HOST_PLUGIN_UNKNOWN"));
    assert.deepEqual(await call(host, ["acme.bb", "toString", 1]), failed("HOST_ACTION_UNKNOWN"));
    await host.disable("acme.bb");
    assert.deepEqual(await call(host, ["acme.bb", "echo", 1]), failed("HOST_PLUGIN_NOT_ENABLED"));
  }));

test("refuses malformed requests by code", () =>
  withHost(async (host) => {
    await install(host, made({ id: "acme.bb" }));
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"] }));
    const hostile: unknown[][] = [
      [],
      [null, "echo"],
      ["acme.bb", null],
      ["acme.bb", { toString: "echo" }],
      ["acme.bb", "*"],
      ["acme.bb", "../echo"],
      ["acme.bb/echo", "echo"],
      ["acme", "echo"],
      ["acme.bb\0", "echo"],
      ["__proto__", "echo"],
      ["acme.bb", "e".repeat(65)],
      ["ACME.BB", "echo"],
    ];
    for (const target of hostile) {
      const answer = (await call(host, target)) as { code?: string };
      assert.equal(answer.code, "BROKER_REQUEST_INVALID", JSON.stringify(target));
    }
    assert.equal(((await call(host, ["acme.bb", "__proto__"])) as { code?: string }).code, "BROKER_REQUEST_INVALID");
    assert.deepEqual(await call(host, ["acme.bb", "echo"]), { ok: null });
  }));

test("what is called has no right that its caller lacks, unless the caller was granted that", async () => {
  const secrets = {
    secrets: ["token"],
    permissions: [{ name: "secrets_access", names: ["token"], reveal: true, reason: "to test" }],
  };
  const callerLacks = {
    code: "BROKER_DENIED",
    details: { term: "caller", permission: "secrets_access", callerPlugin: "acme.aa" },
  };
  await withHost(async (host) => {
    await install(host, made({ id: "acme.bb", manifest: secrets }));
    await host.setSecret("acme.bb", "token", "hidden");
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"] }));
    assert.deepEqual(await host.call("acme.bb", "reveal", "token"), { ok: "hidden" });
    assert.deepEqual(await call(host, ["acme.bb", "reveal", "token"]), { ok: callerLacks });
  });
  const may = statedPermissionSchema.parse(mayCall(["acme.bb/*"], { withTheirRights: true }));
  await withHost(
    async (host) => {
      await install(host, made({ id: "acme.bb", manifest: secrets }));
      await host.setSecret("acme.bb", "token", "hidden");
      await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"], may: { withTheirRights: true } }));
      await install(host, made({ id: "acme.zz", calls: ["acme.aa/*"] }));
      assert.deepEqual(await call(host, ["acme.bb", "reveal", "token"]), { ok: { ok: "hidden" } });
      // Anna may have the plugins call each other, and may not see secrets through any of them.
      const refused = { code: "BROKER_DENIED", details: { term: "caller", permission: "secrets_access" } };
      assert.deepEqual(await call(host, ["acme.bb", "reveal", "token"], { caller: "anna" }), { ok: refused });
      // Who lacks the permission cannot reach it through somebody who has it.
      assert.deepEqual(await host.call("acme.zz", "call", ["acme.aa", "call", ["acme.bb", "reveal", "token"]]), {
        ok: denial({ term: "caller", parameter: "plugins.actions", callerPlugin: "acme.zz" }),
      });
    },
    { rightsOf: () => [may] },
  );
});

test("a circle is refused where it closes, and a chain at the ninth plugin", () =>
  withHost(async (host) => {
    const ids = Array.from({ length: 9 }, (_, index) => `acme.p${index}`);
    const calls = ids.map((id) => `${id}/*`);
    for (const id of ids) await install(host, made({ id, calls, needs: ids.filter((other) => other !== id) }));
    assert.deepEqual(await host.call("acme.p0", "relay", ids.slice(1, 8)), "end");
    assert.deepEqual(await host.call("acme.p0", "relay", ids.slice(1)), {
      at: "acme.p7",
      code: "BROKER_CALL_DEPTH",
      details: null,
    });
    assert.deepEqual(await host.call("acme.p0", "relay", ["acme.p1", "acme.p2", "acme.p0"]), {
      at: "acme.p2",
      code: "BROKER_CALL_CYCLE",
      details: { chain: ["acme.p0", "acme.p1", "acme.p2"] },
    });
    await install(host, made({ id: "acme.aa", calls: ["acme.aa/*"] }));
    assert.deepEqual(await call(host, ["acme.aa", "echo", 1]), {
      code: "BROKER_CALL_CYCLE",
      details: { chain: ["acme.aa"] },
    });
  }));

test("a pure action calls pure actions only", () =>
  withHost(async (host) => {
    const pure = (...names: (keyof typeof actions)[]): object => ({
      contributes: {
        actions: { ...actions, ...Object.fromEntries(names.map((name) => [name, { ...any, effect: "pure" }])) },
      },
    });
    await install(host, made({ id: "acme.bb", manifest: pure("echo", "secretly") }));
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"], manifest: pure("call") }));
    assert.deepEqual(await call(host, ["acme.bb", "echo", 1]), { ok: 1 });
    assert.deepEqual(await call(host, ["acme.bb", "keep", 1]), { code: "BROKER_EFFECT_DENIED", details: null });
    assert.deepEqual(await call(host, ["acme.bb", "unknown", 1]), { code: "BROKER_EFFECT_DENIED", details: null });
    assert.deepEqual(await call(host, ["acme.bb", "secretly", 1]), { ok: "BROKER_EFFECT_DENIED" });
  }));

test("what is called has the time that its caller has left, and ends with its caller", () =>
  withHost(async (host) => {
    await install(host, made({ id: "acme.bb" }));
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"], manifest: { limits: { wallMs: 12_000 } } }));
    assert.deepEqual(await call(host, ["acme.bb", "wait", null]), {
      code: "BROKER_CALLEE_FAILED",
      details: { code: "SANDBOX_DEADLINE" },
    });
    // Long enough that its caller can still say so on a busy machine; what is cancelled here need not wait for it.
    const cancel = new AbortController();
    const waiting = call(host, ["acme.bb", "wait", null], { signal: cancel.signal });
    setTimeout(() => cancel.abort(), 300);
    await assert.rejects(waiting, { code: "SANDBOX_CANCELLED" });
    const outcomes = async (): Promise<string[]> =>
      (await host.journal({ pluginId: "acme.bb" })).flatMap(({ subject, outcome, count }) =>
        subject === "wait" ? Array.from({ length: count }, () => outcome) : [],
      );
    while ((await outcomes()).length < 2) await new Promise((resolve) => void setTimeout(resolve, 20));
    assert.deepEqual(await outcomes(), ["SANDBOX_CANCELLED", "SANDBOX_CANCELLED"]);
  }));

test("deadline and cancellation reach the end of a chain", () =>
  withHost(async (host) => {
    await install(host, made({ id: "acme.cc" }));
    await install(host, made({ id: "acme.bb", calls: ["acme.cc/*"] }));
    const limited = { contributes: { actions: { ...actions, call: { ...any, limits: { wallMs: 12_000 } } } } };
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*", "acme.cc/*"], manifest: limited }));
    const outcomes = async (id: string): Promise<string[]> =>
      (await host.statistics({ pluginId: id })).flatMap((each) => Object.keys(each.outcomes));
    const endOf = async (id: string): Promise<string | undefined> => {
      for (;;) {
        const [outcome] = await outcomes(id);
        if (outcome !== undefined) return outcome;
        await new Promise((resolve) => void setTimeout(resolve, 20));
      }
    };
    const chain = ["acme.bb", "call", ["acme.cc", "wait", null]];
    // The action has less time than its plugin, and what it leads to has no more than it.
    const answer = (await call(host, chain)) as { code: string; details: { code: string } };
    assert.deepEqual([answer.code, answer.details.code], ["BROKER_CALLEE_FAILED", "SANDBOX_DEADLINE"]);
    assert.equal(await endOf("acme.cc"), "SANDBOX_CANCELLED");
    const cancel = new AbortController();
    const waiting = call(host, chain, { signal: cancel.signal });
    while ((await host.running()).find(({ plugin }) => plugin === "acme.cc")?.callsUnderWay !== 1)
      await new Promise((resolve) => void setTimeout(resolve, 20));
    cancel.abort();
    await assert.rejects(waiting, { code: "SANDBOX_CANCELLED" });
    while ((await host.running()).some(({ callsUnderWay }) => callsUnderWay > 0))
      await new Promise((resolve) => void setTimeout(resolve, 20));
    assert.deepEqual([...new Set(await outcomes("acme.cc"))], ["SANDBOX_CANCELLED"]);
  }));

test("calls at the same moment do not slip past the hour's amount, also not by opening the host again", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-host-"));
  let time = Date.parse("2026-05-01T10:59:00Z");
  const open = (): Promise<Host<string>> =>
    openHost<string>({ dataDir, engines: [isolate()], now: () => new Date(time), partitionOf: (user) => user });
  try {
    let host = await open();
    await install(host, made({ id: "acme.bb" }));
    await install(host, made({ id: "acme.aa", calls: ["acme.bb/*"], may: { perHour: 5 } }));
    const many = async (times: number): Promise<string[]> => {
      // Different partitions are different instances of the plugin, and spend the same amount.
      const each = Array.from({ length: times }, (_, index) =>
        host.call("acme.aa", "many", [1, "acme.bb", "echo"], { caller: `user${index % 2}` }),
      );
      return (await Promise.all(each)).flat() as string[];
    };
    const answers = await many(12);
    assert.equal(answers.filter((answer) => answer === "ok").length, 5);
    assert.equal(answers.filter((answer) => answer === "BROKER_QUOTA_EXCEEDED").length, 7);
    await host.close();
    host = await open();
    assert.deepEqual(await many(1), ["BROKER_QUOTA_EXCEEDED"]);
    time += 60_000;
    assert.deepEqual(await many(1), ["ok"]);
    await host.close();
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test("one first call has at most 64 calls under way, over everything that it led to", async () => {
  const permission = statedPermissionSchema.parse(mayCall(["acme.bb/*"]));
  const manifest = { permissions: [permission], dependencies: { "acme.bb": "*" }, contributes: { actions: {} } };
  const parts = {
    plugins: { manifestOf: () => manifest },
    rights: { verify: () => Promise.resolve({ grant: permission, bases: [permission] }) },
    counts: { spend: () => Promise.resolve() } satisfies Pick<HourlyCounts, "spend">,
    call: () => new Promise(() => undefined),
  } as unknown as PluginsParts;
  const run = makePluginsService(parts).methods.get("call")?.run;
  const tree = { underWay: 0 };
  const from = {
    pluginId: "acme.aa",
    chain: [],
    tree,
    deadlineAt: Infinity,
    label: new CallLabel(),
    signal: () => new AbortController().signal,
  };
  const begin = (): Promise<unknown> | undefined =>
    run?.({ ...from, deadlineAt: performance.now() + 60_000 } as unknown as ServiceCall, {
      plugin: "acme.bb",
      action: "echo",
    });
  for (let count = 0; count < 64; count += 1) void begin();
  await assert.rejects(begin() ?? Promise.resolve(), { code: "BROKER_QUOTA_EXCEEDED" });
});
