import type { Change } from "@berth/spec";

/**
 * The tables, the same in SQLite and PostgreSQL: texts and whole numbers only. Instants are ISO texts,
 * structured values are JSON texts. Every write takes the row `sequence` of `counters` first, so writes
 * are one after the other and the change feed is in the order in which they became visible.
 */
export interface Tables {
  counters: { name: string; value: number };
  publishers: { name: string; skeleton: string; created_at: string };
  /** Every text that is left when one character of a publisher's skeleton is deleted: finds names at distance 1. */
  publisher_deletions: { deletion: string; publisher: string };
  publisher_keys: {
    publisher: string;
    key_id: string;
    public_key: string;
    added_at: string;
    retired_at: string | null;
  };
  plugins: {
    id: string;
    publisher: string;
    skeleton: string;
    revision: number;
    created_at: string;
    updated_at: string;
    downloads: number;
    /** The version that lists show. */
    shown: string;
    deprecated: string | null;
  };
  releases: {
    plugin: string;
    version: string;
    sequence: number;
    published_at: string;
    content_digest: string;
    file_digest: string;
    file_size: number;
    key_id: string;
    /** What the index says of the release and never changes, as JSON. */
    entry: string;
    /** What cards and details say of it, as JSON. */
    card: string;
    readme_digest: string | null;
    icon_digest: string | null;
    icon_type: string | null;
    yanked: string | null;
    deprecated: string | null;
    /** `manifest.json` as it is in the package. */
    manifest: string;
  };
  changes: {
    sequence: number;
    at: string;
    kind: Change["kind"];
    publisher: string;
    plugin: string | null;
    version: string | null;
  };
  tokens: {
    id: string;
    hash: string;
    publisher: string | null;
    scopes: string;
    plugins: string | null;
    label: string;
    created_at: string;
    expires_at: string;
  };
  /** Downloads of one release on one day (UTC). */
  download_days: { plugin: string; version: string; day: string; count: number };
}
