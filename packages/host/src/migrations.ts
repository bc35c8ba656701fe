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
  `
  -- What services count: requests of one plugin in the hour under way.
  CREATE TABLE service_use (
    plugin_id TEXT NOT NULL,
    service TEXT NOT NULL,
    hour TEXT NOT NULL,
    used INTEGER NOT NULL,
    PRIMARY KEY (plugin_id, service)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Durable events that somebody still waits for, or whose key must not be used twice within a day.
  CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    plugin_id TEXT NOT NULL,
    topic TEXT NOT NULL,
    area TEXT NOT NULL,
    dedup_key TEXT,
    digest TEXT NOT NULL,
    json TEXT NOT NULL,
    bytes BLOB,
    caller_rights TEXT,
    hops INTEGER NOT NULL,
    published_at TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX events_by_key ON events (plugin_id, topic, area, dedup_key) WHERE dedup_key IS NOT NULL;

  -- plugin_id: who subscribed; a name of the embedding program's carries a mark that no plugin's id can have.
  CREATE TABLE event_deliveries (
    plugin_id TEXT NOT NULL,
    event_seq INTEGER NOT NULL REFERENCES events (seq) ON DELETE CASCADE,
    state TEXT NOT NULL CHECK (state IN ('pending', 'dead')),
    attempts INTEGER NOT NULL,
    due_at TEXT NOT NULL,
    reason TEXT,
    PRIMARY KEY (plugin_id, event_seq)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX deliveries_due ON event_deliveries (state, plugin_id, due_at);
  CREATE INDEX deliveries_of_event ON event_deliveries (event_seq);

  CREATE TABLE event_subscriptions (
    name TEXT NOT NULL,
    topic TEXT NOT NULL,
    PRIMARY KEY (name, topic)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  CREATE TABLE schedules (
    plugin_id TEXT NOT NULL REFERENCES plugins (id) DEFERRABLE INITIALLY DEFERRED,
    area TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Whether the manifest declares it; else the plugin set it.
    is_declared INTEGER NOT NULL,
    definition TEXT NOT NULL,
    input TEXT NOT NULL,
    caller_rights TEXT,
    next_at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, is_declared, area, name)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX schedules_due ON schedules (next_at);
  `,
  `
  -- Calls that were made with a key, and what they answered, for a day.
  CREATE TABLE keyed_calls (
    plugin_id TEXT NOT NULL,
    area TEXT NOT NULL,
    action TEXT NOT NULL,
    key TEXT NOT NULL,
    digest TEXT NOT NULL,
    effect_key TEXT NOT NULL,
    json TEXT,
    bytes BLOB,
    size INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, area, action, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keyed_calls_sizes ON keyed_calls (plugin_id, size);
  CREATE INDEX keyed_calls_age ON keyed_calls (at);

  -- Effects of calls that may be repeated, and what they answered, for a day.
  CREATE TABLE keyed_effects (
    plugin_id TEXT NOT NULL,
    key TEXT NOT NULL,
    json TEXT NOT NULL,
    bytes BLOB,
    size INTEGER NOT NULL,
    at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, key)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX keyed_effects_sizes ON keyed_effects (plugin_id, size);
  CREATE INDEX keyed_effects_age ON keyed_effects (at);
  `,
  `
  -- A digest of the manifest and of the checks that it passed: without the right one it is checked again.
  ALTER TABLE plugins ADD COLUMN manifest_checks TEXT;
  `,
  `
  -- Whatever takes the last delivery of an event away takes the event: handled, given up, forgotten or uninstalled.
  CREATE TRIGGER events_for_nobody AFTER DELETE ON event_deliveries BEGIN
    DELETE FROM events WHERE seq = old.event_seq AND dedup_key IS NULL
      AND NOT EXISTS (SELECT 1 FROM event_deliveries WHERE event_seq = old.event_seq);
    -- A key that stays needs no value beside its digest.
    UPDATE events SET json = 'null', bytes = NULL WHERE seq = old.event_seq
      AND NOT EXISTS (SELECT 1 FROM event_deliveries WHERE event_seq = old.event_seq);
  END;
  CREATE INDEX events_age ON events (published_at);

  -- What one partition uses up is not missing to another.
  DROP INDEX keyed_calls_sizes;
  CREATE INDEX keyed_calls_sizes ON keyed_calls (plugin_id, area, size);
  ALTER TABLE keyed_effects ADD COLUMN area TEXT NOT NULL DEFAULT '';
  DROP INDEX keyed_effects_sizes;
  CREATE INDEX keyed_effects_sizes ON keyed_effects (plugin_id, area, size);
  `,
  `
  -- Labels of data: where it may leave to, as JSON; NULL is data that nobody minds.
  CREATE TABLE storage_labels (
    plugin_id TEXT NOT NULL,
    partition TEXT NOT NULL,
    label TEXT NOT NULL,
    PRIMARY KEY (plugin_id, partition)
  ) STRICT, WITHOUT ROWID;

  ALTER TABLE events ADD COLUMN label TEXT;
  ALTER TABLE keyed_calls ADD COLUMN label TEXT;
  ALTER TABLE keyed_effects ADD COLUMN label TEXT;
  ALTER TABLE journal ADD COLUMN label TEXT;
  `,
  `
  -- Calls that were made a second time.
  ALTER TABLE call_statistics ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;

  -- The most that processes of one plugin grew by while they held nobody else, by hour.
  CREATE TABLE memory_statistics (
    plugin_id TEXT NOT NULL,
    hour TEXT NOT NULL,
    peak_bytes INTEGER NOT NULL,
    PRIMARY KEY (plugin_id, hour)
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- Requests that a person answered with no: they are not told of again until grants change.
  ALTER TABLE permission_requests ADD COLUMN dismissed_at TEXT;
  `,
  `
  -- Whom a plugin came from when the value was filled in; NULL: sealed before that was bound.
  ALTER TABLE secrets ADD COLUMN domain TEXT;

  -- Which key seals them, by a digest that tells nothing of it.
  CREATE TABLE vault (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key_id TEXT NOT NULL
  ) STRICT;
  `,
  `
  -- When a plugin last made use of what the operator's policy grants it: that has no row among the grants.
  CREATE TABLE policy_use (
    plugin_id TEXT NOT NULL,
    permission TEXT NOT NULL,
    last_used_at TEXT NOT NULL,
    PRIMARY KEY (plugin_id, permission)
  ) STRICT, WITHOUT ROWID;

  -- Processes that were lost to a plugin, by hour and by why they ended.
  CREATE TABLE loss_statistics (
    plugin_id TEXT NOT NULL,
    hour TEXT NOT NULL,
    reason TEXT NOT NULL,
    losses INTEGER NOT NULL,
    PRIMARY KEY (plugin_id, hour, reason)
  ) STRICT, WITHOUT ROWID;
  `,
];
