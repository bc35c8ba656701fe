import { createHash } from "node:crypto";

import { formatDataLabel } from "@berth/spec";
import type { DataLabel, Permission } from "@berth/spec";
import type { Row, Statement } from "@berth/store";
import { decodeText } from "@berth/wire";

import { storedValueOf } from "../broker/storage-rows.ts";
import type { formatStored } from "../broker/storage-rows.ts";
import { formatStoredLabel, storedLabelOf } from "../labels/area-labels.ts";
import { parseStoredPermission } from "../rights/grants.ts";

/** Events that may wait for one subscriber, and dead letters that are kept for it. */
export const MAX_PENDING = 1_000;
export const MAX_DEAD = 100;
/** Keys of one topic of a plugin, in one partition, that are kept for their day, whoever still waits for their events. */
export const MAX_KEYS = 10_000;

/** What is published: by whom, for whom, and on whose behalf. */
export interface Publication {
  readonly id: string;
  /** A plugin's id, or `app`. */
  readonly publisher: string;
  readonly topic: string;
  readonly partition: string | undefined;
  /** Events with equal keys, of one topic and partition, are one event for a day. */
  readonly key: string | undefined;
  readonly value: ReturnType<typeof formatStored>;
  readonly callerRights: readonly Permission[] | undefined;
  readonly hops: number;
  readonly publishedAt: string;
  /** Of the publisher's data. */
  readonly label: DataLabel | undefined;
}

/** An event on its way to one subscriber. */
export interface Delivery {
  readonly id: string;
  readonly topic: string;
  readonly partition: string | undefined;
  readonly publishedAt: string;
  /** 1 for the first. */
  readonly attempt: number;
  readonly hops: number;
  readonly callerRights: readonly Permission[] | undefined;
  /** Of the publisher's data. */
  readonly label: DataLabel | undefined;
  /** A value of its own for whoever asks. */
  readonly value: () => unknown;
}

const USER = "user:";
const areaOf = (partition: string | undefined): string => (partition === undefined ? "" : USER + partition);
const partitionOf = (area: string): string | undefined => (area === "" ? undefined : area.slice(USER.length));

/** Tells apart what is published under one key. */
export const digestOf = ({ stored, sections }: Publication["value"]): string =>
  createHash("sha256").update(stored.text).update("\0").update(sections).digest("hex");

/**
 * Stores an event and one delivery for each subscriber, or nothing when its key was used before. The last statement
 * answers with the event that stands under the key.
 */
export function publishStatements(event: Publication, subscribers: readonly string[], dayBefore: string): Statement[] {
  const { id, publisher, topic, partition, value, callerRights, hops, publishedAt, label } = event;
  const area = areaOf(partition);
  const key = dedupKeyOf(event);
  return [
    {
      sql: `DELETE FROM events WHERE published_at < ?
              AND NOT EXISTS (SELECT 1 FROM event_deliveries WHERE event_seq = events.seq)`,
      params: [dayBefore],
    },
    // A key that is older than a day may be used again, also while its event still waits for somebody.
    { sql: "UPDATE events SET dedup_key = NULL WHERE published_at < ? AND dedup_key IS NOT NULL", params: [dayBefore] },
    {
      sql: `INSERT INTO events (id, plugin_id, topic, area, dedup_key, digest, json, bytes, caller_rights, hops,
              published_at, label)
            SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?13 WHERE ?5 IS NULL OR ?2 = 'app' OR (SELECT count(*) FROM events
              WHERE plugin_id = ?2 AND topic = ?3 AND area = ?4 AND dedup_key IS NOT NULL) < ?12
            ON CONFLICT DO NOTHING`,
      params: [
        id,
        publisher,
        topic,
        area,
        key ?? null,
        digestOf(value),
        subscribers.length === 0 ? "null" : value.stored.text,
        subscribers.length === 0 || value.sections.length === 0 ? null : value.sections,
        callerRights === undefined ? null : JSON.stringify(callerRights),
        hops,
        publishedAt,
        MAX_KEYS,
        formatStoredLabel(label),
      ],
    },
    ...subscribers.flatMap((subscriber) => enqueueStatements(subscriber, id, publishedAt)),
    {
      sql: `SELECT id, digest FROM events
              WHERE id = ?1 OR (plugin_id = ?2 AND topic = ?3 AND area = ?4 AND dedup_key = ?5)`,
      params: [id, publisher, topic, area, key ?? null],
    },
  ];
}

/**
 * Keys of labelled events are kept apart, by label: whether one was used before must not be told to a publisher
 * that is not labelled. No key of a plugin's holds a NUL.
 */
const dedupKeyOf = ({ key, label }: Publication): string | undefined =>
  key === undefined || label === undefined ? key : `${formatDataLabel(label)}\0${key}`;

/** A subscriber whose queue is full loses nothing for others: what does not fit becomes a dead letter of its own. */
function enqueueStatements(subscriber: string, id: string, publishedAt: string): Statement[] {
  return [
    {
      sql: `INSERT INTO event_deliveries
            SELECT ?1, seq, iif(waiting < ?4, 'pending', 'dead'), 0, ?3, iif(waiting < ?4, NULL, 'the queue is full')
            FROM events, (SELECT count(*) AS waiting FROM event_deliveries WHERE state = 'pending' AND plugin_id = ?1)
            WHERE id = ?2 AND (?1 LIKE 'app:%' OR EXISTS (SELECT 1 FROM plugins WHERE id = ?1))`,
      params: [subscriber, id, publishedAt, MAX_PENDING],
    },
    trimStatement(subscriber),
  ];
}

/** Keeps the newest dead letters of a subscriber. */
export function trimStatement(subscriber: string): Statement {
  return {
    sql: `DELETE FROM event_deliveries WHERE plugin_id = ?1 AND state = 'dead' AND event_seq <= (
            SELECT event_seq FROM event_deliveries WHERE plugin_id = ?1 AND state = 'dead'
            ORDER BY event_seq DESC LIMIT 1 OFFSET ?2)`,
    params: [subscriber, MAX_DEAD],
  };
}

/** Removes a delivery; the database lets go of its event when nobody else waits for it and no key keeps it. */
export function doneStatements(subscriber: string, seq: number): Statement[] {
  return [{ sql: "DELETE FROM event_deliveries WHERE plugin_id = ? AND event_seq = ?", params: [subscriber, seq] }];
}

export function deliveryOf(row: Row): Delivery {
  const stored = storedValueOf(row);
  const rights = row["caller_rights"];
  return {
    id: String(row["id"]),
    topic: String(row["topic"]),
    partition: partitionOf(String(row["area"])),
    publishedAt: String(row["published_at"]),
    attempt: Number(row["attempts"]) + 1,
    hops: Number(row["hops"]),
    callerRights:
      rights === null
        ? undefined
        : (JSON.parse(String(rights)) as unknown[]).map((each) => parseStoredPermission(JSON.stringify(each))),
    label: storedLabelOf(row),
    value: () => decodeText(stored.text, stored.bytes),
  };
}
