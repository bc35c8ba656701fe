// A put of a plugin, on disk when it resolves, beside the same statement through the store's worker without a plugin.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { Store } from "@berth/store";

import { installPlugin } from "../install-plugin.ts";
import { measure, ratio } from "../runner.ts";
import type { Ratio, Row, Subject } from "../runner.ts";

const PLUGIN = "bench.put";
const ROUNDS = 15;
/** Different keys, written over and over. */
const KEYS = 50;
/** Puts in one call of an action, so that the call itself does not count. */
const PUTS_A_CALL = 50;
const AT_ONCE = 16;
/** 100 bytes of JSON with the quotes. */
const VALUE = "x".repeat(98);

/** The input's text says how many puts, and how many of them at a time. */
const CODE = `var berthPlugin = { actions: { async put({ text }, ctx) {
  const [count, lanes] = text.split("/").map(Number);
  let next = 0;
  const value = "x".repeat(${VALUE.length});
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (next < count) await ctx.storage.put("key" + (next++ % ${KEYS}), value);
  }));
  return { text: "" };
} } };`;

/** As the broker's storage service has it: the quota is checked, and the triggers of the table count what is stored. */
const PUT = `INSERT INTO storage (plugin_id, partition, key, json, bytes, size)
  SELECT ?1, ?2, ?3, ?4, ?5, ?6
  WHERE coalesce((SELECT size FROM storage_usage WHERE plugin_id = ?1 AND partition = ?2), 0)
    - coalesce((SELECT size FROM storage WHERE plugin_id = ?1 AND partition = ?2 AND key = ?3), 0) + ?6 <= ?7
  ON CONFLICT DO UPDATE SET json = ?4, bytes = ?5, size = ?6`;
const QUOTA_BYTES = 64 * 1_048_576;

async function openWithPlugin(dataDir: string): Promise<Host<undefined>> {
  const host = await openHost({ dataDir, engines: [isolate()] });
  await installPlugin(host, { id: PLUGIN, level: "standard", code: CODE, actions: ["put"] });
  return host;
}

/** The store of a data directory in which the plugin is installed, without a host. */
async function openBareStore(dataDir: string): Promise<Store> {
  await (await openWithPlugin(dataDir)).close();
  const file = join(dataDir, "host.sqlite");
  const database = new DatabaseSync(file);
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
  database.close();
  // The schema is up to date: no step of it is left to run.
  return Store.open({ file, migrations: Array.from({ length: version }, () => "") });
}

const inLanes =
  (lanes: number, put: (index: number) => Promise<unknown>) =>
  async (count: number): Promise<void> => {
    let next = 0;
    await Promise.all(
      Array.from({ length: lanes }, async () => {
        while (next < count) await put(next++);
      }),
    );
  };

export async function run(): Promise<{ rows: Row[]; ratios: Ratio[] }> {
  const folder = await mkdtemp(join(tmpdir(), "berth-bench-storage-"));
  const host = await openWithPlugin(join(folder, "host"));
  const store = await openBareStore(join(folder, "bare"));
  const bare = (index: number): Promise<unknown> => {
    const key = `key${index % KEYS}`;
    const json = JSON.stringify(VALUE);
    const size = json.length + key.length;
    return store.transaction([
      { sql: PUT, params: [PLUGIN, "", key, json, null, size, QUOTA_BYTES], expectChanges: 1 },
    ]);
  };
  const fromPlugin =
    (lanes: number) =>
    async (count: number): Promise<void> => {
      for (let done = 0; done < count; done += PUTS_A_CALL)
        await host.call(PLUGIN, "put", { text: `${Math.min(PUTS_A_CALL, count - done)}/${lanes}` });
    };
  try {
    const rows = await measure(
      [
        ["one at a time", 1],
        [`${AT_ONCE} at once`, AT_ONCE],
      ].flatMap(([name, lanes]): Subject[] => [
        { case: String(name), subject: "store", count: 200, run: inLanes(Number(lanes), bare) },
        { case: String(name), subject: "berth", count: 200, run: fromPlugin(Number(lanes)) },
      ]),
      ROUNDS,
    );
    return {
      rows,
      ratios: [
        ratio(rows, "storage.put", "one at a time", "berth", "store", 2),
        ratio(rows, "storage.put.16", `${AT_ONCE} at once`, "berth", "store", 2),
      ],
    };
  } finally {
    await host.close();
    await store.close();
    await rm(folder, { recursive: true });
  }
}
