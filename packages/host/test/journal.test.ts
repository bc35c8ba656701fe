import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { Store } from "@berth/store";
import type { Statement } from "@berth/store";

import { JournalRetention } from "../src/journal-retention.ts";
import { Journal, journalStatement } from "../src/journal.ts";
import type { JournalRecord } from "../src/journal.ts";
import { migrations } from "../src/migrations.ts";
import { Clock, until } from "./clock.ts";
import { install, withHost } from "./fixture.ts";

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
    365,
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

test("old lines go, page by page and once a day, and no decision that is younger than its days", async () => {
  const dayMs = 86_400_000;
  const AHEAD = 11_000;
  const clock = new Clock("2026-06-01T00:00:00.000Z");
  const daysAgo = (days: number): string => new Date(clock.now().getTime() - days * dayMs).toISOString();
  for (const decisionDays of [undefined, 5, 60]) {
    await withJournal(async (_journal, store) => {
      const line = (kind: JournalRecord["kind"], days: number): Statement =>
        journalStatement({ kind, pluginId: "acme.demo", outcome: "ok", detail: String(days) }, daysAgo(days));
      const old = ["call", "use", "denial", "event", "log"] as const;
      const decided = ["install", "uninstall", "state", "grant", "revoke", "trust", "config", "secret"] as const;
      await store.transaction([
        ...decided.map((kind) => line(kind, 100)),
        // Written while the clock was wrong, for longer than a page holds.
        ...Array.from({ length: AHEAD }, () => line("call", -10)),
        ...Array.from({ length: 12_000 }, () => line("call", 90)),
        ...decided.map((kind) => line(kind, 40)),
        ...old.map((kind) => line(kind, 31)),
        ...decided.map((kind) => line(kind, 29)),
        ...old.map((kind) => line(kind, 29)),
      ]);
      const kept = async (days: number): Promise<number> => {
        const [row] = await store.all("SELECT count(*) AS n FROM journal WHERE detail = ?", [String(days)]);
        return Number(row?.["n"]);
      };
      const faults: unknown[] = [];
      const retention = new JournalRetention({
        store,
        now: clock.now,
        setAlarm: clock.setAlarm,
        onFault: (error) => faults.push(error),
        journalDays: 30,
        decisionDays,
      });
      retention.begin();
      await until(async () => (await kept(31)) === 0 && (await kept(90)) === 0);
      // Five days would be shorter than those of uses, which count then.
      const stays = { forever: 8, gone: 0 };
      assert.equal(await kept(100), decisionDays === undefined ? stays.forever : stays.gone);
      assert.equal(await kept(40), decisionDays === 5 ? stays.gone : stays.forever);
      assert.equal(await kept(29), old.length + decided.length);
      assert.equal(await kept(-10), AHEAD);
      clock.advance(2 * dayMs);
      await until(async () => (await kept(29)) < old.length + decided.length);
      await until(async () => (await kept(29)) === (decisionDays === 5 ? 0 : decided.length));
      assert.deepEqual(faults, []);
      retention.close();
    });
    clock.advance(dayMs);
  }
});

test("a suggestion says that what a plugin did long ago is not known any more", () => {
  const clock = new Clock("2026-06-01T00:00:00.000Z");
  return withHost(
    async (host) => {
      await install(host);
      assert.equal((await host.suggestPermissions("acme.demo")).isComplete, true);
      clock.advance(40 * 86_400_000);
      assert.equal((await host.suggestPermissions("acme.demo")).isComplete, false);
    },
    { now: clock.now, setAlarm: clock.setAlarm, policy: { journalDays: 30 } },
  );
});
