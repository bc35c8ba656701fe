import assert from "node:assert/strict";
import test from "node:test";

import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  // Runs what the test asks for: every method of the storage, with anything as its arguments.
  async ask([area, method, ...args], ctx) {
    const storage = area === "user" ? ctx.user.storage : ctx.storage;
    try { return { ok: (await storage[method](...args)) ?? null }; }
    catch (error) { return { code: error.code ?? error.name }; }
  },
  async large(size, ctx) { try { await ctx.storage.put("k", "x".repeat(size)); return "stored"; } catch (error) { return error.code; } },
  async count(times, ctx) {
    let done = 0;
    while (done < times) {
      const now = await ctx.storage.get("count");
      if (await ctx.storage.compareAndSet("count", now, (now ?? 0) + 1)) done += 1;
    }
    return null;
  },
} };`;
const bytes = (id = "acme.demo"): Uint8Array =>
  makePackage({ id, code: CODE, manifest: { contributes: { actions: { ask: any, count: any, large: any } } } });

test("counts right when many calls add to one number at once", () =>
  withHost(async (host) => {
    await install(host, bytes());
    await Promise.all(Array.from({ length: 8 }, () => host.call("acme.demo", "count", 10)));
    assert.deepEqual(await host.call("acme.demo", "ask", ["plugin", "get", "count"]), { ok: 80 });
  }));

test("a partition that the database could not tell from others is refused", () =>
  withHost(
    async (host) => {
      await install(host, bytes());
      const ask = (caller: string, ...request: unknown[]): Promise<unknown> =>
        host.call("acme.demo", "ask", ["user", ...request], { caller });
      await ask("\ufffd", "put", "k", "private");
      for (const caller of ["\ud800", "\udfff", "a\udc00"])
        await assert.rejects(ask(caller, "get", "k"), { code: "HOST_PARTITION_INVALID" });
      await assert.rejects(ask("number", "get", "k"), { code: "HOST_PARTITION_INVALID" });
      assert.deepEqual(await ask("a\0b", "get", "k"), { ok: null });
    },
    { partitionOf: (caller) => (caller === "number" ? (1 as unknown as string) : caller) },
  ));

test("a batch is written whole, or not at all when something else stands there", () =>
  withHost(async (host) => {
    await install(host, bytes());
    const ask = (...request: unknown[]): Promise<unknown> => host.call("acme.demo", "ask", ["plugin", ...request]);
    const move = [
      { do: "expect", key: "from", value: { b: 1, a: [new Uint8Array([1, 2])] } },
      { do: "expect", key: "to" },
      { do: "delete", key: "from" },
      { do: "put", key: "to", value: "moved" },
    ];
    assert.deepEqual(await ask("batch", move), { ok: false });
    await ask("put", "from", { a: [new Uint8Array([1, 2])], b: 1 });
    assert.deepEqual(await ask("batch", move), { ok: true });
    assert.deepEqual(await ask("get", "from"), { ok: null });
    assert.deepEqual(await ask("get", "to"), { ok: "moved" });
    assert.deepEqual(await ask("batch", move), { ok: false });
    assert.deepEqual(await ask("compareAndSet", "to", "moved"), { ok: true });
    assert.deepEqual(await ask("list"), { ok: { keys: [], hasMore: false } });
  }));

test("a batch over the quota writes nothing", () =>
  withHost(
    async (host) => {
      await install(host, bytes());
      const ask = (...request: unknown[]): Promise<unknown> => host.call("acme.demo", "ask", ["plugin", ...request]);
      const big = "x".repeat(600);
      assert.deepEqual(
        await ask("batch", [
          { do: "put", key: "a", value: big },
          { do: "put", key: "b", value: big },
        ]),
        { code: "BROKER_QUOTA_EXCEEDED" },
      );
      assert.deepEqual(await ask("list"), { ok: { keys: [], hasMore: false } });
      await ask("put", "a", big);
      assert.deepEqual(
        await ask("batch", [
          { do: "delete", key: "a" },
          { do: "put", key: "b", value: big },
        ]),
        { ok: true },
      );
    },
    { policy: { storageBytes: 1_000 } },
  ));

test("puts at the same moment do not slip past the quota together", () =>
  withHost(
    async (host) => {
      await install(host, bytes());
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, index) =>
          host.call("acme.demo", "ask", ["plugin", "put", `k${index}`, "x".repeat(300)]),
        ),
      );
      const refused = answers.filter((answer) => (answer as { code?: string }).code === "BROKER_QUOTA_EXCEEDED");
      assert.equal(refused.length, 8);
    },
    { policy: { storageBytes: 1_000 } },
  ));

test("refuses malformed requests by code, and goes on", () =>
  withHost(async (host) => {
    await install(host, bytes());
    const hostile: [string, ...unknown[]][] = [
      ["get", ""],
      ["get", "x".repeat(257)],
      ["get", "a\0b"],
      ["get", "\ud800"],
      ["get", { toString: "k" }],
      ["get", null],
      ["list", { prefix: 7 }],
      ["list", { limit: -1 }],
      ["list", { limit: "1; DROP TABLE storage" }],
      ["batch", []],
      ["batch", "all"],
      ["batch", [null]],
      ["batch", [{ do: "drop", key: "k" }]],
      ["batch", [{ do: "put", key: "k" }]],
      [
        "batch",
        [
          { do: "delete", key: "k" },
          { do: "put", key: "k", value: 1 },
        ],
      ],
      ["batch", Array.from({ length: 101 }, (_, index) => ({ do: "delete", key: `k${index}` }))],
    ];
    for (const request of hostile) {
      assert.deepEqual(
        await host.call("acme.demo", "ask", ["plugin", ...request]),
        { code: "BROKER_REQUEST_INVALID" },
        JSON.stringify(request).slice(0, 80),
      );
    }
    assert.equal(await host.call("acme.demo", "large", 1_048_577), "BROKER_REQUEST_INVALID");
    const polluted = JSON.parse('{"__proto__": {"isAdmin": true}, "constructor": 1}') as object;
    await host.call("acme.demo", "ask", ["plugin", "put", "__proto__", polluted]);
    const { ok } = (await host.call("acme.demo", "ask", ["plugin", "get", "__proto__"])) as { ok: object };
    assert.equal(Object.getPrototypeOf(ok), Object.prototype);
    assert.ok(Object.hasOwn(ok, "__proto__"));
    assert.equal(({} as { isAdmin?: boolean }).isAdmin, undefined);
  }));

test("keys that imitate another area or plugin reach nobody else's values", () =>
  withHost(async (host) => {
    await install(host, bytes());
    await install(host, bytes("acme.other"));
    const ask = (id: string, caller: string | undefined, ...request: unknown[]): Promise<unknown> =>
      host.call(id, "ask", request, caller === undefined ? {} : { caller });
    await ask("acme.demo", "anna", "user", "put", "k", "anna's");
    await ask("acme.demo", undefined, "plugin", "put", "k", "the plugin's");
    for (const caller of ["", "user:anna", "anna ", "ANNA", "acme.demo"]) {
      assert.deepEqual(await ask("acme.demo", caller, "user", "get", "k"), { ok: null }, caller);
    }
    assert.deepEqual(await ask("acme.other", "anna", "user", "get", "k"), { ok: null });
    assert.deepEqual(await ask("acme.other", "anna", "user", "get", "user:anna\nk"), { ok: null });
    assert.deepEqual(await ask("acme.demo", "anna", "user", "get", "k"), { ok: "anna's" });
    assert.deepEqual(await ask("acme.demo", "anna", "plugin", "get", "k"), { ok: "the plugin's" });
  }));

test("what was cached is gone with the plugin", () =>
  withHost(async (host) => {
    await install(host, bytes());
    await host.call("acme.demo", "ask", ["plugin", "put", "k", "before"]);
    await host.call("acme.demo", "ask", ["plugin", "get", "k"]);
    await host.uninstall("acme.demo");
    await install(host, bytes());
    assert.deepEqual(await host.call("acme.demo", "ask", ["plugin", "get", "k"]), { ok: null });
  }));
