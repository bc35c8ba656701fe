import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { readPackage, replaceEnvelopes } from "@berth/archive";
import { isolate } from "@berth/engine-isolate";
import { RELEASE_ENVELOPE, openHost } from "@berth/host";
import { generatePublisherKey, signRelease } from "@berth/trust";

import { lintFolder } from "../src/lint/lint-folder.ts";
import { packPluginFolder, readPluginFolder } from "../src/plugin-folder.ts";
import { writeSuggestion } from "../src/write-suggestion.ts";

const march = { from: "2026-03-01T00:00:00Z", to: "2026-03-31T00:00:00Z" };
const event = { uid: "a", title: "Choir", from: "2026-03-02T09:00:00Z", to: "2026-03-02T10:00:00Z" };
const ics = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20260302T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";
const pair = { from: "en", to: "de" };
const task = "Build a form. It must be fast.";
const markdown = "# A\n\n| a |\n|---|\n| 1 |\n";
const rows = [{ a: 1 }, { a: 3 }];

/** An input for every action of every example, in an order in which each makes sense. */
const CALLS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "data-processor": {
    transform: { rows, steps: [{ step: "limit", count: 1 }] },
    filter: { rows, where: [{ column: "a", op: "gt", value: 1 }] },
    aggregate: { rows, measures: [{ op: "mean", column: "a" }] },
    normalize: { rows, columns: ["a"], method: "min-max" },
  },
  "table-converter": {
    csv_to_json: { csv: "a,b\n1,2\n" },
    json_to_csv: { rows },
    inspect: { csv: "a\n1\n" },
  },
  "markdown-document": {
    outline: { markdown },
    render: { markdown },
    tables: { markdown },
    inspect: { markdown },
    insert_contents: { markdown },
  },
  calendar: {
    events: { ics, ...march },
    free_time: { ics, ...march, minutes: 30, dayStart: "09:00", dayEnd: "17:00" },
    conflicts: { ics, ...march },
    write: { now: march.from, events: [event] },
  },
  "glossary-translator": {
    put_terms: { ...pair, terms: [{ source: "sandbox", target: "Sandkasten" }] },
    list_terms: pair,
    find_terms: { ...pair, text: "a sandbox" },
    protect: { ...pair, text: "a sandbox" },
    restore: { text: "XTERM0X", marks: ["Sandkasten"] },
    check: { ...pair, source: "a sandbox", translation: "ein Sandkasten" },
    remove_terms: { ...pair, sources: ["Sandbox"] },
  },
  "agent-skill": {
    analyze_task: { task },
    estimate_complexity: { task },
    extract_requirements: { text: task },
    suggest_plan: { task, maxSteps: 5 },
    history: {},
    forget: {},
  },
};

test("every example packs, installs and answers every action in its sandbox", async (t) => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-examples-"));
  const host = await openHost<string>({ dataDir, engines: [isolate()], partitionOf: (user) => user });
  const key = generatePublisherKey();
  try {
    for (const [name, calls] of Object.entries(CALLS)) {
      await t.test(name, async () => {
        const folder = await readPluginFolder(join(import.meta.dirname, "../../../examples", name));
        const { id, version, contributes } = folder.manifest;
        assert.deepEqual(Object.keys(calls).toSorted(), Object.keys(contributes.actions).toSorted());
        const { bytes, contentDigest } = await packPluginFolder(folder);
        assert.equal((await packPluginFolder(folder)).contentDigest, contentDigest);
        const facts = { plugin: id, version, contentDigest, time: "2026-01-01T00:00:00.000Z" };
        const signed = replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, signRelease(facts, key)]]));
        assert.equal(readPackage(signed).contentDigest, contentDigest);
        await host.install(await host.plan(signed), { grant: [], trustKey: key.keyId });
        assert.deepEqual(await lintFolder(folder, undefined), []);
        for (const [action, input] of Object.entries(calls)) {
          assert.equal(typeof (await host.call(id, action, input, { caller: "ann" })), "object", action);
        }
        const suggestion = await host.suggestPermissions(id);
        assert.deepEqual([suggestion.permissions, suggestion.unused], [folder.manifest.permissions, []]);
        const copy = await mkdtemp(join(dataDir, "copy-"));
        await writeFile(join(copy, "manifest.json"), folder.manifestBytes);
        const { isChanged } = await writeSuggestion(copy, [{ dataDir, id, version, suggestion }]);
        assert.equal(isChanged, false);
        assert.deepEqual(await readFile(join(copy, "manifest.json")), folder.manifestBytes);
      });
    }
    const { terms } = (await host.call("berth.glossary-translator", "list_terms", pair)) as { terms: unknown[] };
    assert.deepEqual(terms, []);
  } finally {
    await host.close();
    await rm(dataDir, { recursive: true });
  }
});

test("the agent's history is the caller's own, newest first, and can be erased", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-examples-"));
  const host = await openHost<string>({ dataDir, engines: [isolate()], partitionOf: (user) => user });
  const key = generatePublisherKey();
  try {
    const folder = await readPluginFolder(join(import.meta.dirname, "../../../examples/agent-skill"));
    const { bytes, contentDigest } = await packPluginFolder(folder);
    const { id, version } = folder.manifest;
    const facts = { plugin: id, version, contentDigest, time: "2026-01-01T00:00:00.000Z" };
    const signed = replaceEnvelopes(bytes, new Map([[RELEASE_ENVELOPE, signRelease(facts, key)]]));
    await host.install(await host.plan(signed), { grant: [], trustKey: key.keyId });
    const call = (action: string, input: unknown, caller?: string): Promise<unknown> =>
      host.call(id, action, input, caller === undefined ? {} : { caller });
    const tasksOf = async (caller?: string, input = {}): Promise<string[]> => {
      const { runs } = (await call("history", input, caller)) as { runs: { id: string; task: string }[] };
      return runs.map((run) => run.task);
    };
    await call("analyze_task", { task: "one" }, "ann");
    await call("suggest_plan", { task: "two" }, "ann");
    await call("analyze_task", { task: "three" }, "bob");
    await call("analyze_task", { task: "four" });
    assert.deepEqual(
      [await tasksOf("ann"), await tasksOf("bob"), await tasksOf()],
      [["two", "one"], ["three"], ["four"]],
    );
    assert.deepEqual(await tasksOf("ann", { limit: 1 }), ["two"]);
    assert.deepEqual(await call("forget", {}, "ann"), { erased: 2 });
    assert.deepEqual([await tasksOf("ann"), await tasksOf("bob")], [[], ["three"]]);
  } finally {
    await host.close();
    await rm(dataDir, { recursive: true });
  }
});
