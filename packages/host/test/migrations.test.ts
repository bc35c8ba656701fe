// A data directory of an older Berth: the database is brought up to date when the host opens, and keeps what it held.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { HostOptions } from "@berth/host";
import { Store } from "@berth/store";

import { TABLES_OF_PLUGIN } from "../src/install/erasure.ts";
import { migrations } from "../src/migrations.ts";
import { install, makePackage, withHost } from "./fixture.ts";

/** How many steps there were before uses of policy rights and losses were kept. */
const BEFORE_USE = migrations.findIndex((step) => step.includes("CREATE TABLE policy_use"));

function inDatabase<Answer>(dataDir: string, work: (database: DatabaseSync) => Answer): Answer {
  const database = new DatabaseSync(join(dataDir, "host.sqlite"));
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/** Every table with its columns, however it came about. */
const shapeOf = (database: DatabaseSync): unknown =>
  database
    .prepare(
      `SELECT m.name AS "table", c.name AS "column", c.type, c."notnull", c.pk FROM sqlite_master m, pragma_table_info(m.name) c
        WHERE m.type = 'table' ORDER BY m.name, c.name`,
    )
    .all();

test("a database of any older version comes to the same tables", async () => {
  const shapes: unknown[] = [];
  for (let version = 0; version <= migrations.length; version += 1) {
    const dataDir = await mkdtemp(join(tmpdir(), "berth-migrated-"));
    try {
      await (
        await Store.open({ file: join(dataDir, "host.sqlite"), migrations: migrations.slice(0, version) })
      ).close();
      await (await openHost({ dataDir, engines: [] })).close();
      shapes.push(inDatabase(dataDir, shapeOf));
    } finally {
      await rm(dataDir, { recursive: true });
    }
  }
  for (const shape of shapes) assert.deepEqual(shape, shapes[0]);
});

test("a plugin that was at work before uses and losses were kept goes on, and has none", () => {
  const any = { input: true, output: true };
  const permission = { name: "secrets_access", names: ["one"], reveal: true } as const;
  const code = `var berthPlugin = { actions: { see: (name, ctx) => ctx.secrets.reveal(name) } };`;
  const manifest = {
    permissions: [{ ...permission, optional: true, reason: "to test" }],
    secrets: ["one"],
    contributes: { actions: { see: any } },
  };
  const policy: HostOptions<string>["policy"] = { grants: [{ ...permission, names: ["one"] }] };
  return withHost(
    async (host, dataDir) => {
      await install(host, makePackage({ code, manifest }));
      await host.setSecret("acme.demo", "one", "first");
      assert.equal(await host.call("acme.demo", "see", "one"), "first");
      await host.revoke("acme.demo", "secrets_access");
      await host.close();
      inDatabase(dataDir, (database) => {
        database.exec("DROP TABLE policy_use; DROP TABLE loss_statistics;");
        database.exec(`PRAGMA user_version = ${BEFORE_USE}`);
      });
      const again = await openHost<string>({ dataDir, engines: [isolate()], policy });
      assert.deepEqual(
        (await again.policyGrants("acme.demo")).map(({ lastUsedAt }) => lastUsedAt),
        [undefined],
      );
      const [before] = await again.usage();
      assert.deepEqual([before?.calls, before?.losses], [1, 0]);
      assert.equal(await again.call("acme.demo", "see", "one"), "first");
      assert.match((await again.policyGrants("acme.demo"))[0]?.lastUsedAt ?? "", /^2/);
      await again.close();
      assert.equal(
        inDatabase(dataDir, (database) => database.prepare("PRAGMA user_version").get()?.["user_version"]),
        migrations.length,
      );
    },
    { policy },
  );
});

test("uninstalling erases every table that holds rows of plugins, but for the journal and what outlives them", () =>
  withHost(async (host, dataDir) => {
    await host.close();
    const found = inDatabase(dataDir, (database) =>
      database
        .prepare(
          `SELECT m.name FROM sqlite_master m, pragma_table_info(m.name) c
            WHERE m.type = 'table' AND c.name = 'plugin_id' ORDER BY m.name`,
        )
        .all()
        .map(({ name }) => String(name)),
    );
    // What a registry promised of a plugin stays promised, or uninstalling would let it go back in time.
    const kept = new Set(["journal", "registry_revisions"]);
    assert.deepEqual(
      found.filter((table) => !kept.has(table)),
      [...TABLES_OF_PLUGIN].toSorted(),
    );
  }));
