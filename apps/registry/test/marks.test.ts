import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { changePageSchema, pluginIndexSchema } from "@berth/spec";

import { testOnEveryStore } from "./stores.ts";

testOnEveryStore(
  "yanking and deprecating show in index, lists, static files and feed, and nothing else changes",
  async (registry) => {
    const token = await registry.addPublisher("acme");
    for (const version of ["1.0.0", "1.1.0", "2.0.0-beta.1"])
      assert.equal((await registry.publish({ token, version })).status, 201);
    const shown = async () => (await registry.ask("api/v1/plugins/acme.csv-tools")).body.version as string;
    const send = (method: string, path: string, body?: object) =>
      registry.ask(`api/v1/plugins/acme.csv-tools${path}`, { method, token, ...(body !== undefined && { body }) });
    assert.equal(await shown(), "1.1.0");

    const yanked = await send("PUT", "/releases/1.1.0/yank", { reason: "It loses rows." });
    const index = pluginIndexSchema.parse(yanked.body);
    assert.deepEqual(
      index.releases.map(({ version }) => version),
      ["2.0.0-beta.1", "1.1.0", "1.0.0"],
    );
    assert.equal(index.releases[1]?.yanked?.reason, "It loses rows.");
    assert.equal(await shown(), "1.0.0");
    assert.equal((await registry.ask("packages/acme/csv-tools/acme.csv-tools-1.1.0.berth")).status, 200);
    const file = join(registry.dataDir, "public/index/plugins/acme/csv-tools.json");
    assert.deepEqual(JSON.parse(await readFile(file, "utf8")), yanked.body);
    await send("PUT", "/releases/1.0.0/yank", { reason: "Old." });
    assert.equal(await shown(), "2.0.0-beta.1");
    await send("DELETE", "/releases/1.1.0/yank");
    assert.equal(await shown(), "1.1.0");

    const unknown = await send("PUT", "/deprecation", { message: "Use another.", replacement: "acme.nothing" });
    assert.equal(unknown.body.code, "REGISTRY_PLUGIN_UNKNOWN");
    await registry.publish({ token, id: "acme.tables" });
    await send("PUT", "/deprecation", { message: "Use tables.", replacement: "acme.tables" });
    const found = await registry.ask("api/v1/plugins?q=csv");
    assert.equal(found.body.items[0].deprecated.replacement, "acme.tables");
    await send("PUT", "/releases/1.1.0/deprecation", { message: "Slow." });
    const after = await send("DELETE", "/deprecation");
    assert.equal(after.body.deprecated, undefined);
    assert.equal(after.body.releases[1].deprecated.message, "Slow.");
    assert.equal((await send("PUT", "/releases/9.9.9/yank", { reason: "x" })).body.code, "REGISTRY_RELEASE_UNKNOWN");
    assert.equal((await send("PUT", "/releases/1.0.0/yank", { reason: "" })).body.code, "HTTP_REQUEST_INVALID");
    assert.equal(
      (await registry.ask("api/v1/plugins/acme.csv-tools/releases/1.0.0/yank", { method: "DELETE" })).status,
      401,
    );

    const feed = changePageSchema.parse((await registry.ask("api/v1/changes?limit=1000")).body);
    assert.deepEqual(
      feed.items.map(({ kind }) => kind),
      [
        "publisher",
        "publish",
        "publish",
        "publish",
        "yank",
        "yank",
        "unyank",
        "publish",
        "deprecate",
        "deprecate",
        "undeprecate",
      ],
    );
    assert.deepEqual(
      feed.items.map(({ sequence }) => sequence),
      feed.items.map((_, at) => at + 1),
    );
    assert.equal(feed.last, 11);
    const rest = changePageSchema.parse((await registry.ask("api/v1/changes?after=9&limit=1")).body);
    assert.deepEqual(
      rest.items.map(({ sequence }) => sequence),
      [10],
    );
  },
);
