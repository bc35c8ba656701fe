import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { Store } from "@berth/store";

import { Journal } from "../src/journal.ts";
import type { JournalRecord } from "../src/journal.ts";
import { migrations } from "../src/migrations.ts";

const denial: JournalRecord = {
  kind: "denial",
  pluginId: "acme.demo",
  version: "1.0.0",
  subject: "storage.get",
  outcome: "BROKER_NO_CALLER",
};

async function withJournal(work: (journal: Journal, store: Store, faults: unknown[]) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "berth-journal-"));
  const store = await Store.open({ file: join(folder, "host.sqlite"), migrations });
  const faults: unknown[] = [];
  const journal = new Journal(
    store,
    () => new Date(),
    (error) => faults.push(error),
  );
  try {
    await work(journal, store, faults);
  } finally {
    await store.close();
    await rm(folder, { recursive: true });
  }
}

/** How many rows are on disk, without asking the journal to write first. */
const rowsOf = async (store: Store): Promise<number> => (await store.all("SELECT seq FROM journal")).length;

test("the first denial is on disk before anybody hears of it, also of those denied at the same moment", () =>
  withJournal(async (journal, store) => {
    const seen = await Promise.all(
      Array.from({ length: 5 }, async () => {
        await journal.deny(denial);
        return rowsOf(store);
      }),
    );
    assert.ok(seen.every((count) => count === 1));
    const entries = await journal.read({});
    assert.deepEqual(
      entries.map(({ count }) => count).toSorted((a, b) => a - b),
      [1, 4],
    );
  }));

test("a denial that could not be written is tried again as a first one", () =>
  withJournal(async (journal, store) => {
    await store.transaction([{ sql: "ALTER TABLE journal RENAME TO elsewhere" }]);
    await assert.rejects(journal.deny(denial), { code: "STORE_FAILED" });
    await store.transaction([{ sql: "ALTER TABLE elsewhere RENAME TO journal" }]);
    await journal.deny(denial);
    assert.equal(await rowsOf(store), 1);
  }));

test("uses that could not be written are reported and kept", () =>
  withJournal(async (journal, store, faults) => {
    const call: JournalRecord = { kind: "call", pluginId: "acme.demo", subject: "echo", outcome: "ok", durationUs: 5 };
    await store.transaction([{ sql: "ALTER TABLE journal RENAME TO elsewhere" }]);
    journal.note(call);
    await new Promise((resolve) => setTimeout(resolve, 250));
    assert.equal((faults[0] as { code: string }).code, "STORE_FAILED");
    journal.note(call);
    await store.transaction([{ sql: "ALTER TABLE elsewhere RENAME TO journal" }]);
    const [entry] = await journal.read({});
    assert.deepEqual([entry?.count, entry?.durationUs], [2, 10]);
  }));

test("subjects without end are counted in one line", () =>
  withJournal(async (journal) => {
    for (let index = 0; index < 300; index += 1) await journal.deny({ ...denial, subject: `made.up${index}` });
    for (let index = 0; index < 2_000; index += 1)
      journal.note({ kind: "call", pluginId: "acme.demo", subject: `a${index}`, outcome: "ok" });
    const entries = await journal.read({ limit: 1_000 });
    const more = entries.filter(({ subject }) => subject === "(more)");
    assert.equal(
      more.filter(({ kind }) => kind === "call").reduce((sum, { count }) => sum + count, 0),
      1_000 + 1,
    );
  }));
