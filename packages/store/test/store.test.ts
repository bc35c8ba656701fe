import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { Store } from "@berth/store";

const migrations = ["CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL) STRICT"];

async function withFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-store-"));
  try {
    await work(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("a transaction is whole or not at all", () =>
  withFolder(async (folder) => {
    const store = await Store.open({ file: join(folder, "a.sqlite"), migrations });
    await store.transaction([{ sql: "INSERT INTO t VALUES (1, ?)", params: ["x"], expectChanges: 1 }]);
    await assert.rejects(
      store.transaction([
        { sql: "INSERT INTO t VALUES (2, 'y')" },
        { sql: "DELETE FROM t WHERE a = 9", expectChanges: 1 },
      ]),
      { code: "STORE_EXPECTATION" },
    );
    await assert.rejects(store.transaction([{ sql: "INSERT INTO t VALUES (3, 'z')" }, { sql: "nonsense" }]), {
      code: "STORE_FAILED",
    });
    assert.deepEqual(
      (await store.all("SELECT a, b FROM t")).map((row) => ({ ...row })),
      [{ a: 1, b: "x" }],
    );
    await store.close();
    await assert.rejects(store.all("SELECT 1"), { code: "STORE_CLOSED" });
  }));

test("one owner at a time; the next one finds what was written", () =>
  withFolder(async (folder) => {
    const file = join(folder, "a.sqlite");
    const first = await Store.open({ file, migrations });
    await first.transaction([{ sql: "INSERT INTO t VALUES (1, 'x')" }]);
    await assert.rejects(Store.open({ file, migrations, busyMs: 50 }), { code: "STORE_BUSY" });
    await first.close();
    const second = await Store.open({ file, migrations: [...migrations, "ALTER TABLE t ADD COLUMN c TEXT"] });
    assert.equal((await second.all("SELECT c FROM t")).length, 1);
    await second.close();
    await assert.rejects(Store.open({ file, migrations }), { code: "STORE_TOO_NEW" });
  }));

test("where the disk takes no more, the transaction is undone, and what was acknowledged stays", () =>
  withFolder(async (folder) => {
    const file = join(folder, "a.sqlite");
    const { stdout, stderr } = spawnSync(
      "sh",
      ["-c", 'ulimit -f 1000; exec "$@"', "sh", process.execPath, join(import.meta.dirname, "fill.ts"), file],
      { encoding: "utf8" },
    );
    const { done, code } = JSON.parse(stdout || JSON.stringify({ code: stderr })) as { done: number; code: string };
    assert.equal(code, "STORE_DISK_FULL");
    assert.ok(done > 0 && done < 1_000, String(done));
    const store = await Store.open({ file, migrations: [""] });
    assert.equal((await store.all("SELECT count(*) AS rows FROM t"))[0]?.["rows"], 2 * done);
    assert.equal((await store.all("PRAGMA integrity_check"))[0]?.["integrity_check"], "ok");
    await store.close();
  }));

test("the database is readable by its owner alone, and closing twice waits for the same end", () =>
  withFolder(async (folder) => {
    const file = join(folder, "a.sqlite");
    const store = await Store.open({ file, migrations });
    for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o077, 0, name);
    void store.close();
    await store.close();
    await (await Store.open({ file, migrations, busyMs: 0 })).close();
  }));

test("a file that is no database is named as such", () =>
  withFolder(async (folder) => {
    const file = join(folder, "a.sqlite");
    await writeFile(file, "this is no database, only words ".repeat(100));
    await assert.rejects(Store.open({ file, migrations }), { code: "STORE_DAMAGED" });
  }));
