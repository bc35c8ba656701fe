import { concatBytes } from "@berth/base";
import type { Row, Statement } from "@berth/store";
import { encodeText } from "@berth/wire";

/** Longest key, characters. */
export const MAX_KEY_LENGTH = 256;

/** Where a key lives: one plugin, and its own area or that of one partition. */
export interface StorageArea {
  readonly pluginId: string;
  /** `""` is the plugin's own; callers' partitions carry a mark, so that no name of theirs can be it. */
  readonly partition: string;
}

/** A stored value: JSON text, and beside it the byte arrays that the text refers to. */
export interface StoredValue {
  readonly text: string;
  readonly bytes: readonly Uint8Array[];
}

/** What a row costs beside key and value, bytes: an estimate, so that empty values count too. */
const ROW_BYTES = 128;

/**
 * Keys after ?3, from ?4 to ?5. One range is what SQLite can look up: a prefix that fits nothing must not cost a look
 * at every key.
 */
export const LIST_KEYS = `SELECT key FROM storage WHERE plugin_id = ?1 AND partition = ?2 AND key >= max(?3, ?4)
  AND key < ?5 AND key <> ?3 ORDER BY key LIMIT ?6`;

/** The least text that comes after everything with a prefix. Keys are ordered by their code points. */
export function endOfPrefix(prefix: string): string {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  for (let last = points.pop(); last !== undefined; last = points.pop()) {
    if (last === 0x10ffff) continue;
    // Halves of surrogate pairs are no characters.
    return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
  }
  return "\u{10ffff}".repeat(MAX_KEY_LENGTH);
}

export const SELECT_VALUE = "SELECT json, bytes FROM storage WHERE plugin_id = ?1 AND partition = ?2 AND key = ?3";

export function storedValueOf(row: Row): StoredValue {
  return { text: String(row["json"]), bytes: splitSections(row["bytes"]) };
}

/** A value's text and bytes as they are stored, and their size with the key's. */
export function formatStored(
  key: string,
  value: unknown,
): { readonly stored: StoredValue; readonly sections: Uint8Array; readonly size: number } {
  const { text, bytes } = encodeText(value);
  const sections = joinSections(bytes);
  return {
    stored: { text, bytes },
    sections,
    size: Buffer.byteLength(text) + sections.length + Buffer.byteLength(key),
  };
}

/** One statement checks the quota and writes, so that two puts at once cannot both slip under it. */
export function putStatement(
  { pluginId, partition }: StorageArea,
  key: string,
  { stored, sections, size }: ReturnType<typeof formatStored>,
  quotaBytes: number,
): Statement {
  const cost = size + ROW_BYTES + pluginId.length + Buffer.byteLength(partition);
  return {
    sql: `INSERT INTO storage (plugin_id, partition, key, json, bytes, size)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6
      WHERE coalesce((SELECT size FROM storage_usage WHERE plugin_id = ?1 AND partition = ?2), 0)
        - coalesce((SELECT size FROM storage WHERE plugin_id = ?1 AND partition = ?2 AND key = ?3), 0) + ?6 <= ?7
      ON CONFLICT DO UPDATE SET json = ?4, bytes = ?5, size = ?6`,
    params: [pluginId, partition, key, stored.text, sections.length === 0 ? null : sections, cost, quotaBytes],
    expectChanges: 1,
  };
}

export function deleteStatement({ pluginId, partition }: StorageArea, key: string): Statement {
  return {
    sql: "DELETE FROM storage WHERE plugin_id = ? AND partition = ? AND key = ?",
    params: [pluginId, partition, key],
  };
}

/** Undoes the transaction unless the key holds exactly this, down to the order of members; or nothing. */
export function expectStatement(
  { pluginId, partition }: StorageArea,
  key: string,
  expected: StoredValue | undefined,
): Statement {
  if (expected === undefined)
    return {
      sql: "SELECT 1 FROM storage WHERE plugin_id = ? AND partition = ? AND key = ?",
      params: [pluginId, partition, key],
      expectRows: 0,
    };
  const sections = joinSections(expected.bytes);
  return {
    sql: "SELECT 1 FROM storage WHERE plugin_id = ? AND partition = ? AND key = ? AND json = ? AND bytes IS ?",
    params: [pluginId, partition, key, expected.text, sections.length === 0 ? null : sections],
    expectRows: 1,
  };
}

function joinSections(sections: readonly Uint8Array[]): Uint8Array {
  const parts = sections.flatMap((section) => {
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, section.length);
    return [length, section];
  });
  return concatBytes(parts);
}

function splitSections(joined: unknown): Uint8Array[] {
  if (!(joined instanceof Uint8Array)) return [];
  const view = new DataView(joined.buffer, joined.byteOffset, joined.byteLength);
  const sections: Uint8Array[] = [];
  for (let offset = 0; offset < joined.length;) {
    const end = offset + 4 + view.getUint32(offset);
    sections.push(joined.slice(offset + 4, end));
    offset = end;
  }
  return sections;
}
