import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { configSchema, settingsOf, start, variableOf } from "@berth/registry";
import type { RegistryConfig } from "@berth/registry";

import { openDatabase } from "../src/database/open-database.ts";
import { writeCatalogue } from "../src/catalogue/write.ts";

test("settings have the same names in a file and in the environment", () => {
  const variables = { BERTH_REGISTRY_PORT: "2", BERTH_REGISTRY_S3_ACCESS_KEY_ID: "id", HOME: "/x" };
  assert.deepEqual(settingsOf(variables), { port: "2", s3AccessKeyId: "id" });
  assert.equal(variableOf("uploadStallMs"), "BERTH_REGISTRY_UPLOAD_STALL_MS");
  const names = Object.keys(configSchema.shape).map(variableOf);
  assert.equal(new Set(names).size, names.length);
  assert.throws(() => settingsOf({ BERTH_REGISTRY_PROT: "1" }), { code: "REGISTRY_CONFIG_INVALID" });
});

test("settings outside their limits end the start, each fault by name", async () => {
  const wrong: readonly [Partial<RegistryConfig> & Record<string, unknown>, RegExp][] = [
    [{ port: 70_000 }, /port/],
    [{ port: "x" as unknown as number }, /port/],
    [{ nonsense: 1 }, /nonsense/],
    [{ database: "mysql://x" }, /database/],
    [{ refuse: "sometimes" }, /refuse/],
    [{ blobs: "http://127.0.0.1:1/b" }, /s3AccessKeyId/],
    [{ repository: "a b" }, /repository/],
    [{ scanPolicyFile: "/nothing/there.json" }, /policy/],
  ];
  for (const [settings, words] of wrong) {
    await assert.rejects(start({ dataDir: "/nowhere", ...settings }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "REGISTRY_CONFIG_INVALID", JSON.stringify(settings));
      assert.match(error.message, words);
      return true;
    });
  }
  await assert.rejects(
    start({ dataDir: "/tmp", port: 0, database: "postgres://nobody:hunter2@127.0.0.1:1/x" }),
    (error: Error & { code?: string }) => {
      assert.equal(error.code, "REGISTRY_DATABASE_FAILED");
      assert.ok(!error.message.includes("hunter2"));
      return true;
    },
  );
});

test("the feed's times never go back, even where the clock does", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-clock-"));
  const db = await openDatabase("sqlite", folder);
  try {
    const clocks = ["2026-05-01T00:00:00.000Z", "2020-01-01T00:00:00.000Z", "2026-05-01T00:00:01.000Z"];
    const times: string[] = [];
    for (const clock of clocks) {
      await writeCatalogue(
        db,
        () => new Date(clock),
        async ({ at, record }) => {
          times.push(at);
          await record({ kind: "publisher", publisher: "acme" });
        },
      );
    }
    assert.deepEqual(times, [clocks[0], clocks[0], clocks[2]]);
    await assert.rejects(
      writeCatalogue(
        db,
        () => new Date(),
        ({ record }) =>
          record({ kind: "key", publisher: "acme" }).then(() => {
            throw new Error("no");
          }),
      ),
    );
    const rows = await db.selectFrom("changes").select("sequence").orderBy("sequence").execute();
    assert.deepEqual(
      rows.map(({ sequence }) => sequence),
      [1, 2, 3],
    );
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true });
  }
});
