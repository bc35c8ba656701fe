import { parseManifest } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";

import type { StoredFacts } from "./plugin-record.ts";
import { OUTLINE_SQL, checkMarkOf, makeStoredManifest } from "./stored-manifest.ts";
import type { ManifestOutline } from "./stored-manifest.ts";
import type { StoredState } from "./transitions.ts";

/** A row of the table of plugins, read. */
export interface StoredPlugin {
  readonly id: string;
  readonly facts: StoredFacts;
  /** Why it failed or is in quarantine, as it was stored. */
  readonly stateReason: string | undefined;
  /** Why its manifest cannot be read. */
  readonly fault: string | undefined;
  /** Writes the mark of today's checks, when they were run. */
  readonly recheck: Statement | undefined;
}

const ROWS_A_PAGE = 100;
const PAGE_SQL = `SELECT *, ${OUTLINE_SQL} AS outline FROM plugins WHERE id > ? ORDER BY id LIMIT ?`;

/**
 * Reads all plugins, by id. Page by page: the thread of the store keeps the memory of the largest answer it ever gave,
 * and this one lets go of a page's manifests before the next.
 */
export async function readStoredPlugins(store: Store): Promise<StoredPlugin[]> {
  const found: StoredPlugin[] = [];
  for (let after = ""; ;) {
    const rows = await store.all(PAGE_SQL, [after, ROWS_A_PAGE]);
    for (const row of rows) found.push(storedPluginOf(row));
    if (rows.length < ROWS_A_PAGE) return found;
    after = String(rows.at(-1)?.["id"]);
  }
}

/** A manifest without the mark of today's checks is checked again. */
function storedPluginOf(row: Row): StoredPlugin {
  const id = String(row["id"]);
  const facts = factsOf(row);
  const common = { id, stateReason: textOf(row["state_reason"]) };
  try {
    const text = String(row["manifest"]);
    if (row["manifest_checks"] === checkMarkOf(text)) {
      const manifest = makeStoredManifest(text, JSON.parse(textOf(row["outline"]) ?? text) as ManifestOutline);
      return { ...common, facts: { ...facts, manifest }, fault: undefined, recheck: undefined };
    }
    const whole = parseManifest(Buffer.from(text));
    const checked = JSON.stringify(whole);
    const recheck = {
      sql: "UPDATE plugins SET manifest = ?, manifest_checks = ? WHERE id = ?",
      params: [checked, checkMarkOf(checked), id],
    };
    return { ...common, facts: { ...facts, manifest: makeStoredManifest(checked, whole) }, fault: undefined, recheck };
  } catch (error) {
    const fault = error instanceof Error ? error.message : "its manifest cannot be read";
    return { ...common, facts, fault, recheck: undefined };
  }
}

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function factsOf(row: Row): StoredFacts {
  return {
    manifest: undefined,
    version: String(row["version"]),
    contentDigest: String(row["content_digest"]),
    fileDigest: String(row["file_digest"]),
    keyId: String(row["key_id"]),
    installedAt: String(row["installed_at"]),
    state: String(row["state"]) as StoredState,
    registry: textOf(row["registry"]),
    developmentFolder: textOf(row["development_folder"]),
    askedRange: textOf(row["asked_range"]),
  };
}
