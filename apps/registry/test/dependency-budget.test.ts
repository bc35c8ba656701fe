import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { parseManifest } from "@berth/spec";

import { openDatabase } from "../src/database/open-database.ts";
import type { Database } from "../src/database/open-database.ts";
import { verifyDependencies } from "../src/publish/verify-dependencies.ts";

/** Writes releases 1.0.0, 1.0.1 … of a plugin into the catalogue, without packages. */
async function addReleases(db: Database, plugin: string, count: number, firstSequence: number): Promise<void> {
  const at = "2026-01-01T00:00:00.000Z";
  const row = { publisher: "acme", skeleton: plugin, revision: 1, created_at: at, updated_at: at, downloads: 0 };
  await db
    .insertInto("plugins")
    .values({ ...row, id: plugin, shown: "1.0.0", deprecated: null })
    .execute();
  const digests = { content_digest: "", file_digest: "", file_size: 1, key_id: "" };
  const shown = { readme_digest: null, icon_digest: null, icon_type: null, yanked: null, deprecated: null };
  for (let start = 0; start < count; start += 1_000) {
    const releases = Array.from({ length: Math.min(1_000, count - start) }, (_, index) => {
      const version = `1.0.${start + index}`;
      const entry = JSON.stringify({ version, dependencies: {}, optionalDependencies: {}, conflicts: {} });
      const sequence = firstSequence + start + index;
      return { plugin, version, sequence, published_at: at, ...digests, ...shown, entry, card: "{}", manifest: "{}" };
    });
    await db.insertInto("releases").values(releases).execute();
  }
}

test("a catalogue that is too large to look through refuses nothing", async () => {
  const folder = await mkdtemp(join(tmpdir(), "berth-budget-"));
  const db = await openDatabase("sqlite", folder);
  try {
    const at = "2026-01-01T00:00:00.000Z";
    await db.insertInto("publishers").values({ name: "acme", skeleton: "acme", created_at: at }).execute();
    await addReleases(db, "acme.one", 10_000, 1);
    await addReleases(db, "acme.two", 10_000, 20_001);
    const needing = (...ids: string[]) => {
      const dependencies = Object.fromEntries(ids.map((id) => [id, "^2"]));
      const about = { displayName: "Mast", description: "Carries sails.", license: "MIT", categories: ["utilities"] };
      const runtime = { kind: "javascript", entry: "plugin.js" };
      const contributes = { actions: { echo: { input: true, output: true } } };
      const capabilities = ["data_processing"];
      const manifest = { id: "acme.mast", version: "1.0.0", ...about, api: "^1.0", runtime, capabilities, contributes };
      return parseManifest(Buffer.from(JSON.stringify({ ...manifest, dependencies })));
    };
    await assert.rejects(verifyDependencies(db, needing("acme.one")), { code: "REGISTRY_DEPENDENCIES_UNMET" });
    await addReleases(db, "acme.three", 1, 40_001);
    await verifyDependencies(db, needing("acme.one", "acme.two", "acme.three"));
  } finally {
    await db.destroy();
    await rm(folder, { recursive: true });
  }
});
