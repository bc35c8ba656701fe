// The caller's records, from inside plugins at every level: rights, fields, sizes, hostile requests, a provider that fails.
import assert from "node:assert/strict";
import test from "node:test";

import type { HostEvent, UserDataScope } from "@berth/host";
import { SECURITY_LEVELS } from "@berth/spec";
import type { Permission } from "@berth/spec";

import { dataRight, labPlugin, makeRecords, providerOf, withLab } from "../labels/lab.ts";
import { engineOf, whyNot } from "../levels.ts";

const ALL = { verbs: ["read", "create", "update", "delete"], fields: ["name", "e*", "text"] };
const withData =
  (more: object = ALL, level = "standard") =>
  () => [labPlugin({ level, permissions: [dataRight(more)] })];
const code = (what: string): { code: string } => ({ code: `BROKER_${what}` });

for (const level of SECURITY_LEVELS) {
  test(`${level}: reads, lists, creates, updates and deletes, cut to the fields that were granted`, async (t) => {
    const reason = await whyNot(level);
    if (reason !== undefined) return t.skip(reason);
    const records = makeRecords();
    const scopes: UserDataScope[] = [];
    const provider = providerOf(records, { takesLabelled: true });
    await withLab(
      withData(ALL, level),
      async ({ run }) => {
        const ann = { name: "Ann", email: "ann@example.com" };
        assert.deepEqual(
          await run([
            ["create", "notes", { text: "made" }],
            ["get", "contacts", "1"],
            ["get", "contacts", "1", { fields: ["email"] }],
            ["get", "contacts", "2"],
            ["list", "contacts"],
            ["update", "contacts", "1", { name: "Bob" }],
            ["remove", "notes", "n"],
          ]),
          ["new", ann, { email: ann.email }, null, { records: [{ id: "1", fields: ann }] }, null, null],
        );
        assert.deepEqual(records.get("contacts")?.get("1"), { ...ann, name: "Bob", secret: "s3cret" });
        assert.deepEqual(
          [...(records.get("notes") ?? [])],
          [["new", { text: "made" }]].map(([id]) => [id, records.get("notes")?.get("new")]),
        );
        assert.deepEqual(
          scopes.map(({ partition, pluginId, action, purpose }) => [partition, pluginId, action, purpose]),
          [["ann", "acme.demo", "run", "to test"]],
        );
      },
      {
        engines: [engineOf(level)],
        userData: {
          ...provider,
          async create(change, scope) {
            scopes.push(scope);
            return provider.create?.(change, scope) ?? "";
          },
        },
      },
    );
  });
}

test("refuses entities, verbs and fields that were not granted, also those that somebody else may", () =>
  withLab(withData({ fields: ["name"], entities: ["contacts"] }), async ({ run }) => {
    const denied = code("DENIED");
    assert.deepEqual(
      await run([
        ["get", "notes", "n"],
        ["get", "contacts", "1", { fields: ["name", "secret"] }],
        ["get", "contacts", "1", { purpose: "something else" }],
        ["update", "contacts", "1", { name: "Bob" }],
        ["remove", "contacts", "1"],
        ["create", "contacts", { name: "Cleo" }],
        ["get", "contacts", "1", { fields: ["name"] }],
      ]),
      [denied, denied, denied, denied, denied, denied, { name: "Ann" }],
    );
  }));

test("a write of a field that was not granted writes nothing", async () => {
  const records = makeRecords();
  await withLab(
    withData({ ...ALL, fields: ["name"] }),
    async ({ run }) => {
      assert.deepEqual(await run([["update", "contacts", "1", { name: "Bob", secret: "mine" }]]), [code("DENIED")]);
      assert.equal(records.get("contacts")?.get("1")?.["name"], "Ann");
    },
    { userData: providerOf(records) },
  );
});

test("gives only what the caller may see too", () => {
  const held = { name: "user_data_access", entities: ["contacts"], verbs: ["read"], purpose: "to test" };
  const rightsOf = (caller: string): Permission[] => [
    { ...held, fields: caller === "ann" ? ["email", "secret"] : ["text"], mayLeaveTo: ["localhost"] } as Permission,
  ];
  return withLab(
    withData(),
    async ({ run }) => {
      assert.deepEqual(await run([["get", "contacts", "1"]]), [{ email: "ann@example.com" }]);
      assert.deepEqual(await run([["list", "contacts"]]), [
        { records: [{ id: "1", fields: { email: "ann@example.com" } }] },
      ]);
      assert.deepEqual(await run([["get", "notes", "n"]]), [code("DENIED")]);
    },
    { rightsOf },
  );
});

test("without a partition there is no data of the caller's", () =>
  withLab(withData(), async ({ host }) => {
    assert.deepEqual(await host.call("acme.demo", "run", [["get", "contacts", "1"]]), [code("NO_CALLER")]);
  }));

test("a host without a provider, or with part of one, says so by code", async () => {
  await withLab(
    withData(),
    async ({ run }) => {
      assert.deepEqual(await run([["list", "contacts"]]), [code("USER_DATA_MISSING")]);
    },
    { userData: { read: async () => ({}) } },
  );
  await withLab(
    withData(),
    async ({ run, host }) => {
      assert.deepEqual(await run([["get", "contacts", "1"]]), [code("USER_DATA_MISSING")]);
      await host.revoke("acme.demo", "user_data_access");
      assert.deepEqual(await run([["get", "contacts", "1"]]), [code("DENIED")]);
    },
    { userData: undefined as never },
  );
});

test("what the provider fails with stays with the embedding program", async () => {
  const events: HostEvent[] = [];
  let answer: () => Promise<never> = () => Promise.reject(new Error("the password is hunter2"));
  await withLab(
    withData(),
    async ({ host, run }) => {
      const failing: unknown = await host.call("acme.demo", "run", [["get", "contacts", "1"]], { caller: "ann" });
      assert.deepEqual(failing, [code("USER_DATA_FAILED")]);
      const odd: unknown[] = [
        7,
        null,
        { name: new Date() },
        { name: Number.NaN },
        { name: 7n },
        { name: "x".repeat(9_000_000) },
      ];
      for (const record of odd) {
        answer = () => Promise.resolve(record as never);
        assert.deepEqual(await run([["get", "contacts", "1"]]), [code("USER_DATA_FAILED")]);
      }
      answer = () => {
        throw new Error("at once");
      };
      assert.deepEqual(await run([["get", "contacts", "1"]]), [code("USER_DATA_FAILED")]);
      const faults = events.flatMap((event) => (event.kind === "fault" ? [event.error.message] : []));
      assert.equal(faults.length, odd.length + 2);
      assert.match(faults[0] ?? "", /hunter2/);
    },
    { userData: { read: () => answer() }, onEvent: (event) => events.push(event) },
  );
});

test("a provider that never answers is left when the call ends", async () => {
  const ended = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  await withLab(
    withData(),
    async ({ host }) => {
      const stop = new AbortController();
      const call = host.call("acme.demo", "run", [["get", "contacts", "1"]], { caller: "ann", signal: stop.signal });
      await asked.promise;
      stop.abort();
      await assert.rejects(call, { code: "SANDBOX_CANCELLED" });
      await ended.promise;
    },
    {
      userData: {
        read(_query, { signal }) {
          asked.resolve();
          signal.addEventListener("abort", () => ended.resolve());
          return new Promise(() => undefined);
        },
      },
    },
  );
});

test("hostile requests are refused by code, and nothing of them reaches the provider", async () => {
  let asked = 0;
  const count = async (): Promise<never> => {
    asked += 1;
    throw new Error("asked");
  };
  const deep = (depth: number): unknown =>
    depth === 0 ? JSON.parse('{"__proto__": {"polluted": 1}}') : [deep(depth - 1)];
  await withLab(
    withData({ ...ALL, entities: ["contacts", "constructor", "toString"], fields: ["*"] }),
    async ({ run }) => {
      const hostile: unknown[][] = [
        ["get", "constructor", "1"],
        ["get", "toString", "1"],
        ["get", "__proto__", "1"],
        ["get", { toString: "contacts" }, "1"],
        ["get", null, "1"],
        ["get", "contacts", "__proto__"],
        ["get", "contacts", ""],
        ["get", "contacts", "x".repeat(257)],
        ["get", "contacts", "a\0b"],
        ["get", "contacts", "\ud800"],
        ["get", "contacts", 7],
        ["get", "contacts", "1", { fields: [] }],
        ["get", "contacts", "1", { fields: "name" }],
        ["get", "contacts", "1", { fields: ["__proto__"] }],
        ["get", "contacts", "1", { fields: ["constructor"] }],
        ["get", "contacts", "1", { fields: ["*"] }],
        ["get", "contacts", "1", { fields: [{}] }],
        ["get", "contacts", "1", { purpose: 7 }],
        ["get", "contacts", "1", { purpose: "x".repeat(201) }],
        ["list", "contacts", { limit: 0 }],
        ["list", "contacts", { limit: 1.5 }],
        ["list", "contacts", { after: "" }],
        ["list", "contacts", { after: {} }],
        ["create", "contacts", {}],
        ["create", "contacts", []],
        ["create", "contacts", null],
        ["create", "contacts", "name"],
        ["create", "contacts", JSON.parse('{"__proto__": 1}')],
        ["create", "contacts", { "a b": 1 }],
        ["create", "contacts", { name: deep(5) }],
        ["create", "contacts", { name: { constructor: { prototype: { polluted: 1 } } } }],
        ["createLarge", "contacts", 1_100_000],
        ["create", "contacts", Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`f${index}`, 1]))],
        ["update", "contacts", "__proto__", { name: "x" }],
        ["remove", "contacts", "toString"],
      ];
      for (const each of hostile) {
        const json = JSON.stringify(each).slice(0, 80);
        assert.deepEqual(await run([each]), [code("REQUEST_INVALID")], json);
      }
      assert.equal(asked, 0);
      assert.equal(({} as { polluted?: unknown }).polluted, undefined);
    },
    { userData: { read: count, list: count, create: count, update: count, delete: count } },
  );
});

test("pages: the provider's cursor comes back, and it gives no more than it was asked for", async () => {
  const asked: unknown[] = [];
  await withLab(
    withData(),
    async ({ run }) => {
      assert.deepEqual(
        await run([
          ["list", "contacts", { limit: 1 }],
          ["list", "contacts", { limit: 1, after: "two" }],
          ["list", "contacts", { limit: 99_999 }],
        ]),
        [
          { records: [{ id: "a", fields: {} }], next: "two" },
          { records: [{ id: "b", fields: {} }] },
          code("USER_DATA_FAILED"),
        ],
      );
      assert.deepEqual(asked, [
        { after: undefined, limit: 1 },
        { after: "two", limit: 1 },
        { after: undefined, limit: 1_000 },
      ]);
    },
    {
      userData: {
        async list({ after, limit }) {
          asked.push({ after, limit });
          if (limit > 1)
            return { records: Array.from({ length: limit + 1 }, (_, index) => ({ id: `${index}`, fields: {} })) };
          return after === undefined
            ? { records: [{ id: "a", fields: {} }], next: "two" }
            : { records: [{ id: "b", fields: {} }] };
        },
      },
    },
  );
});

test("a creation that is repeated with its key happens once", async () => {
  const keys: unknown[] = [];
  await withLab(
    () => [labPlugin({ effect: "idempotent", permissions: [dataRight(ALL)] })],
    async ({ run }) => {
      const steps = [
        ["create", "contacts", { name: "Cleo" }],
        ["fail", "on purpose"],
      ];
      for (const _attempt of [1, 2]) await assert.rejects(run(steps, { key: "k" }), { code: "SANDBOX_PLUGIN_THREW" });
      assert.equal(keys.length, 1);
      assert.equal(typeof keys[0], "string");
    },
    {
      userData: {
        async create({ effectKey }) {
          keys.push(effectKey);
          return "made";
        },
      },
    },
  );
});

test("what was read is suggested as the narrowest permission, with its purpose and hosts as they are", () =>
  withLab(withData({ ...ALL, mayLeaveTo: ["localhost"] }), async ({ host, run }) => {
    await run([["get", "contacts", "1", { fields: ["email"] }]]);
    const { permissions, unused } = await host.suggestPermissions("acme.demo");
    assert.deepEqual(unused, []);
    assert.deepEqual(permissions, [
      {
        name: "user_data_access",
        entities: ["contacts"],
        fields: ["email"],
        verbs: ["read"],
        purpose: "to test",
        mayLeaveTo: ["localhost"],
        reason: "to test",
        optional: false,
      },
    ]);
  }));
