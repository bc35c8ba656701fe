import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import type { Host } from "@berth/host";
import { Store } from "@berth/store";

import { LIST_KEYS, endOfPrefix } from "../../src/broker/storage-rows.ts";
import { Journal } from "../../src/journal.ts";
import { migrations } from "../../src/migrations.ts";
import { eventRight, publisher, subscriber } from "../events/plugins-of-events.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };

/** What a closed host's database answers with. */
async function rowOf(dataDir: string, sql: string): Promise<Readonly<Record<string, unknown>>> {
  const store = await Store.open({ file: join(dataDir, "host.sqlite"), migrations });
  try {
    const [row] = await store.all(sql);
    assert.ok(row);
    return row;
  } finally {
    await store.close();
  }
}

const publish = (host: Host<string>, ...request: unknown[]): Promise<{ isNew?: boolean; code?: string }> =>
  host.call("acme.pub", "publish", request) as Promise<object>;

test("events that nobody takes leave nothing on the disk but what their keys need", () =>
  withHost(async (host, dataDir) => {
    await install(host, publisher("acme.pub", eventRight(["acme.pub/*"], [])));
    for (let count = 0; count < 20; count += 1)
      assert.equal((await publish(host, "kept", "x".repeat(60_000), { key: `k${count}` })).isNew, true);
    assert.equal((await publish(host, "kept", "x".repeat(60_000), { key: "k0" })).isNew, false);
    assert.equal((await publish(host, "kept", "another", { key: "k0" })).code, "BROKER_KEY_REUSED");
    await host.close();
    const { events, bytes } = await rowOf(dataDir, "SELECT count(*) AS events, sum(length(json)) AS bytes FROM events");
    assert.equal(events, 20);
    assert.ok(Number(bytes) < 1_000, `${String(bytes)} bytes are kept`);
  }));

test("events that come to a full queue leave nothing on the disk once their dead letters are gone", () =>
  withHost(async (host, dataDir) => {
    await install(host, publisher("acme.pub", eventRight(["acme.pub/*"], [])));
    await install(host, subscriber());
    await host.disable("acme.sub");
    for (let count = 0; count < 1_200; count += 100)
      await Promise.all(Array.from({ length: 100 }, (_, index) => publish(host, "kept", count + index)));
    await host.close();
    const { events } = await rowOf(dataDir, "SELECT count(*) AS events FROM events");
    assert.equal(events, 1_000 + 100);
  }));

test("keys of a plugin's events have a bound for each topic and partition", () =>
  withHost(async (host, dataDir) => {
    await install(host, publisher("acme.pub", eventRight(["acme.pub/*"], [])));
    await host.close();
    const store = await Store.open({ file: join(dataDir, "host.sqlite"), migrations });
    await store.transaction([
      {
        sql: `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
          INSERT INTO events (id, plugin_id, topic, area, dedup_key, digest, json, hops, published_at)
          SELECT i, 'acme.pub', 'acme.pub/kept', '', i, '', 'null', 0, ? FROM n`,
        params: [new Date().toISOString()],
      },
    ]);
    await store.close();
    await withHost(
      async (again) => {
        assert.equal((await publish(again, "kept", 1, { key: "one more" })).code, "BROKER_QUOTA_EXCEEDED");
        assert.equal((await publish(again, "kept", 1)).isNew, true);
        const other = again.call("acme.pub", "publish", ["kept", 1, { key: "one more" }], { caller: "anna" });
        assert.equal(((await other) as { isNew: boolean }).isNew, true);
      },
      { dataDir },
    );
  }));

const STORE = `var berthPlugin = { actions: {
  async put(count, ctx) {
    try { for (let i = 0; i < count; i++) await ctx.storage.put("k" + i, 0); return "stored"; }
    catch (error) { return error.code; }
  },
  async keep(keys, ctx) { for (const key of keys) await ctx.storage.put(key, 0); },
  list: async (options, ctx) => (await ctx.storage.list(options)).keys,
} };`;
const storing = (): Uint8Array =>
  makePackage({ code: STORE, manifest: { contributes: { actions: { put: any, keep: any, list: any } } } });

test("values that are next to nothing use up the quota too", () =>
  withHost(
    async (host) => {
      await install(host, storing());
      assert.equal(await host.call("acme.demo", "put", 100), "BROKER_QUOTA_EXCEEDED");
      assert.equal(await host.call("acme.demo", "put", 10), "stored");
    },
    { policy: { storageBytes: 10_000 } },
  ));

test("keys are listed by any prefix, in order, whatever their characters", () =>
  withHost(async (host) => {
    await install(host, storing());
    const keys = ["a", "a%", "a_", "ab", "a\u{d7ff}", "a\u{e000}", "a\u{ffff}x", "a\u{10ffff}", "a\u{10ffff}b", "b"];
    const byPoints = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
    await host.call("acme.demo", "keep", keys);
    for (const prefix of [...keys, "c", "\u{10ffff}"]) {
      const expected = keys.filter((key) => key.startsWith(prefix)).toSorted(byPoints);
      assert.deepEqual(await host.call("acme.demo", "list", { prefix }), expected, prefix);
    }
    const [first = "", second = ""] = keys.toSorted(byPoints);
    assert.deepEqual(await host.call("acme.demo", "list", { prefix: first, after: first, limit: 1 }), [second]);
  }));

test("a prefix that fits nothing is looked up, not looked for among all keys", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-list-"));
  const store = await Store.open({ file: join(folder, "host.sqlite"), migrations });
  try {
    const plan = await store.all(`EXPLAIN QUERY PLAN ${LIST_KEYS}`, ["acme.demo", "", "", "a", endOfPrefix("a"), 2]);
    assert.match(String(plan[0]?.["detail"]), /key>\? AND key<\?/);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});

test("uses without end take a bounded number of lines in an hour, and none of them is lost from the count", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-flood-"));
  const store = await Store.open({ file: join(folder, "host.sqlite"), migrations });
  let now = new Date("2026-05-01T10:00:00Z");
  const journal = new Journal(
    store,
    () => now,
    (error) => assert.fail(String(error)),
    365,
  );
  const flood = async (pluginId: string): Promise<void> => {
    for (let round = 0; round < 10; round += 1) {
      for (let index = 0; index < 900; index += 1) {
        const detail = `{"roots":["/${round}/${index}"]}`;
        journal.note({ kind: "use", pluginId, version: "1.0.0", subject: "file_system_read", outcome: "ok", detail });
      }
      await journal.flush();
    }
    journal.note({ kind: "use", pluginId, subject: "file_system_read", outcome: "ok", detail: "x".repeat(5_000) });
    await journal.flush();
  };
  const linesOf = async (pluginId: string): Promise<unknown[]> => {
    const sql =
      "SELECT count(*) AS lines, sum(count) AS uses, max(length(detail)) AS longest FROM journal WHERE plugin_id = ?";
    const [row] = await store.all(sql, [pluginId]);
    return [row?.["lines"], row?.["uses"], Number(row?.["longest"]) < 1_001];
  };
  try {
    await flood("acme.one");
    assert.deepEqual(await linesOf("acme.one"), [2_000 + 2, 9_001, true]);
    assert.equal((await journal.usesOf("acme.one")).isComplete, false);
    await flood("acme.two");
    assert.deepEqual(await linesOf("acme.two"), [2_000 + 2, 9_001, true]);
    now = new Date("2026-05-01T11:00:00Z");
    await flood("acme.one");
    assert.deepEqual(await linesOf("acme.one"), [4_000 + 4, 18_002, true]);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
});

const SCHEDULING = `var berthPlugin = { actions: {
  async set(count, ctx) {
    const codes = {};
    for (let i = 0; i < count; i++) {
      let code = "set";
      try { await ctx.schedules.set("one", { cron: "0 0 * * *", action: "set" }); } catch (error) { code = error.code; }
      codes[code] = (codes[code] ?? 0) + 1;
    }
    return codes;
  },
} };`;

test("a plugin cannot set schedules without end, one over the other", () =>
  withHost(
    async (host) => {
      await install(host, makePackage({ code: SCHEDULING, manifest: { contributes: { actions: { set: any } } } }));
      assert.deepEqual(await host.call("acme.demo", "set", 605), { set: 600, BROKER_QUOTA_EXCEEDED: 5 });
    },
    { now: () => new Date("2026-05-01T10:00:00Z") },
  ));

test("keys that one partition uses up are not missing to another", () =>
  withHost(async (host) => {
    const actions = { keyed: { ...any, effect: "idempotent" } };
    const code = "var berthPlugin = { actions: { keyed: (value) => value } };";
    await install(host, makePackage({ code, manifest: { contributes: { actions } } }));
    const big = "x".repeat(1_040_000);
    const call = (caller: string, key: string): Promise<unknown> =>
      host.call("acme.demo", "keyed", big, { caller, idempotencyKey: key });
    let refused: unknown;
    for (let count = 0; refused === undefined && count < 20; count += 1)
      await call("mallory", `k${count}`).catch((error: unknown) => (refused = error));
    assert.equal((refused as { code?: string } | undefined)?.code, "BROKER_QUOTA_EXCEEDED");
    assert.equal(await call("anna", "k"), big);
  }));
