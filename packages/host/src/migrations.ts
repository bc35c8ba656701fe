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
  `
  ALTER TABLE plugins ADD COLUMN state TEXT NOT NULL DEFAULT 'enabled'
    CHECK (state IN ('installed', 'enabled', 'disabled', 'quarantined'));
  ALTER TABLE plugins ADD COLUMN state_reason TEXT;

  -- A write of a plugin that arrives after its erasure must leave nothing behind.
  CREATE TRIGGER storage_of_nobody BEFORE INSERT ON storage
    WHEN NOT EXISTS (SELECT 1 FROM plugins WHERE id = new.plugin_id) BEGIN
    SELECT raise(ABORT, 'the plugin is not installed');
  END;
  `,
  `
  ALTER TABLE plugins ADD COLUMN registry TEXT;
  ALTER TABLE plugins ADD COLUMN asked_range TEXT;
  -- Until now every plugin was installed because somebody asked for it.
  UPDATE plugins SET asked_range = '*';

  CREATE TABLE registries (
    name TEXT PRIMARY KEY,
    url TEXT NOT NULL UNIQUE,
    priority INTEGER NOT NULL,
    allow_http INTEGER NOT NULL,
    added_at TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- By address, and kept when a registry is removed: signed metadata that was promised once stays promised.
  CREATE TABLE registry_promises (
    url TEXT PRIMARY KEY,
    repository TEXT,
    signed_metadata INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE registry_revisions (
    url TEXT NOT NULL,
    plugin_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    digest TEXT NOT NULL,
    PRIMARY KEY (url, plugin_id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE publisher_registries (
    publisher TEXT PRIMARY KEY,
    url TEXT NOT NULL,
    bound_at TEXT NOT NULL,
    how TEXT NOT NULL CHECK (how IN ('told', 'first-use'))
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE grants ADD COLUMN expires_at TEXT;
  ALTER TABLE grants ADD COLUMN last_used_at TEXT;

  CREATE TABLE permission_requests (
    plugin_id TEXT NOT NULL,
    permission TEXT NOT NULL,
    reason TEXT NOT NULL,
    action TEXT NOT NULL,
    asked_at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, permission)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE secrets (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) DEFERRABLE INITIALLY DEFERRED,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL,
    set_at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, name)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE network_use (
    plugin_id TEXT NOT NULL,
    day TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    PRIMARY KEY (plugin_id, day)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE file_use (
    plugin_id TEXT PRIMARY KEY,
    bytes INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE call_statistics (
    plugin_id TEXT NOT NULL,
    action TEXT NOT NULL,
    hour TEXT NOT NULL,
    outcome TEXT NOT NULL,
    calls INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    last_at TEXT NOT NULL,
    histogram TEXT NOT NULL,
    PRIMARY KEY (plugin_id, action, hour, outcome)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  ALTER TABLE plugins ADD COLUMN development_folder TEXT;
  ALTER TABLE call_statistics ADD COLUMN cpu_us INTEGER NOT NULL DEFAULT 0;
  `,
];
