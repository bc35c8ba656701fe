import type { Migration } from "@berth/store";

/** The host's database, step by step. Never change a step that was released. */
export const migrations: readonly Migration[] = [
  `
  CREATE TABLE plugins (
    id TEXT PRIMARY KEY,
    version TEXT NOT NULL,
    content_digest TEXT NOT NULL,
    file_digest TEXT NOT NULL,
    manifest TEXT NOT NULL,
    key_id TEXT NOT NULL,
    installed_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE grants (
    plugin_id TEXT NOT NULL,
    permission TEXT NOT NULL,
    granted_at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, permission)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE trusted_keys (
    publisher TEXT NOT NULL,
    key_id TEXT NOT NULL,
    algorithm TEXT NOT NULL,
    public_key TEXT NOT NULL,
    added_at TEXT NOT NULL,
    how TEXT NOT NULL CHECK (how IN ('told', 'first-use')),
    PRIMARY KEY (publisher, key_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE storage (
    plugin_id TEXT NOT NULL,
    partition TEXT NOT NULL,
    key TEXT NOT NULL,
    json TEXT NOT NULL,
    bytes BLOB,
    size INTEGER NOT NULL,
    PRIMARY KEY (plugin_id, partition, key)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE storage_usage (
    plugin_id TEXT NOT NULL,
    partition TEXT NOT NULL,
    size INTEGER NOT NULL,
    PRIMARY KEY (plugin_id, partition)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER storage_added AFTER INSERT ON storage BEGIN
    INSERT INTO storage_usage VALUES (new.plugin_id, new.partition, new.size)
      ON CONFLICT DO UPDATE SET size = size + new.size;
  END;
  CREATE TRIGGER storage_changed AFTER UPDATE OF size ON storage BEGIN
    UPDATE storage_usage SET size = size + new.size - old.size
      WHERE plugin_id = new.plugin_id AND partition = new.partition;
  END;
  CREATE TRIGGER storage_removed AFTER DELETE ON storage BEGIN
    UPDATE storage_usage SET size = size - old.size
      WHERE plugin_id = old.plugin_id AND partition = old.partition;
  END;

  CREATE TABLE journal (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    plugin_id TEXT NOT NULL,
    version TEXT,
    subject TEXT,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL,
    duration_us INTEGER,
    detail TEXT
  ) STRICT;
  CREATE INDEX journal_of_plugin ON journal (plugin_id, seq);
  `,
];
