import { quote } from "@berth/base";
import { isHostTopic, topicSchema } from "@berth/spec";
import type { Store } from "@berth/store";

import type { CallOptions } from "../call/call-options.ts";
import type { CallScope } from "../call/calls.ts";
import { HostError } from "../errors.ts";
import type { EventBus, Published } from "./event-bus.ts";
import { APP } from "./subscribers.ts";
import type { EventHandler } from "./subscribers.ts";

/** An event that was given up for one subscriber. */
export interface DeadLetter {
  /** A plugin's id, or `app:` and the name of a subscription of the embedding program. */
  readonly subscriber: string;
  readonly eventId: string;
  readonly topic: string;
  /** ISO instant. */
  readonly publishedAt: string;
  readonly attempts: number;
  readonly reason: string;
}

const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
/** Subscriptions of the embedding program that are kept by name. */
const MAX_NAMED = 1_000;

/** Events between plugins and the embedding program: `Host.events`. */
export class HostEvents<Caller> {
  readonly #bus: EventBus;
  readonly #store: Store;
  readonly #scopeOf: (options: CallOptions<Caller>) => CallScope;

  /** Made by the host. */
  constructor(bus: EventBus, store: Store, scopeOf: (options: CallOptions<Caller>) => CallScope) {
    this.#bus = bus;
    this.#store = store;
    this.#scopeOf = scopeOf;
  }

  /**
   * Publishes an event that the host's options declare, under the topic `app/NAME`. A durable one is on disk when
   * this resolves; its `key`, if given, keeps it from being published twice within 24 hours.
   *
   * @throws HostError HOST_EVENT_UNKNOWN, BROKER_REQUEST_INVALID when the value does not fit, BROKER_KEY_REUSED,
   *   HOST_PARTITION_INVALID; WireError, StoreError
   */
  async publish(
    name: string,
    value: unknown,
    options: { readonly caller?: Caller; readonly key?: string } = {},
  ): Promise<Published> {
    const { key } = options;
    const { isDurable, validate } = this.#bus.appEvent(name);
    const fault = validate(value);
    if (fault !== undefined)
      throw new HostError("BROKER_REQUEST_INVALID", `the value of ${name} at "${fault.path}" ${fault.message}`);
    if (key !== undefined && (!isDurable || key === "" || key.length > 200))
      throw new HostError("BROKER_REQUEST_INVALID", "expected a key of 1 to 200 characters, for a durable event");
    const { partition, callerRights } = this.#scopeOf(options);
    const topic = `app/${name}`;
    return this.#bus.publish({
      publisher: "app",
      topic,
      isDurable,
      partition,
      callerRights,
      hops: 0,
      key,
      value,
      label: undefined,
    });
  }

  /**
   * Hears of a topic, such as `acme.words/counted`, until the function that this answers with is called. With a name,
   * durable events are kept for it while nobody handles them, also while the program is not running; the handler gets
   * each at least once, and again, later each time, when it throws. Without a name each comes at most once. 1,000 names
   * and topics are kept.
   *
   * Events that carry labelled data are given only to a handler that says `takesLabelled`; for others they become dead
   * letters, or are dropped when they are ephemeral.
   *
   * @throws HostError HOST_EVENT_UNKNOWN when the topic or the name is none; StoreError
   */
  async subscribe(
    topic: string,
    handler: EventHandler,
    options: { readonly name?: string; readonly takesLabelled?: boolean } = {},
  ): Promise<() => void> {
    const { name, takesLabelled = false } = options;
    if (!topicSchema.safeParse(topic).success || isHostTopic(topic) || (name !== undefined && !NAME.test(name)))
      throw new HostError(
        "HOST_EVENT_UNKNOWN",
        `expected a topic and a name, found ${quote(topic)} and ${quote(name)}`,
      );
    if (name !== undefined) {
      await this.#store.transaction([
        {
          sql: `INSERT INTO event_subscriptions SELECT ?1, ?2 WHERE (SELECT count(*) FROM event_subscriptions) < ?3
                ON CONFLICT DO NOTHING`,
          params: [name, topic, MAX_NAMED],
        },
        {
          sql: "SELECT 1 FROM event_subscriptions WHERE name = ? AND topic = ?",
          params: [name, topic],
          expectRows: 1,
        },
      ]);
    }
    const { subscribers } = this.#bus;
    const subscriber = subscribers.add(topic, { handler, takesLabelled }, name);
    this.#bus.wake();
    return () => subscribers.remove(subscriber, topic);
  }

  /** Ends everything that is kept under a name, with the events that wait for it. */
  async forget(name: string): Promise<void> {
    this.#bus.subscribers.forget(name);
    await this.#store.transaction([
      { sql: "DELETE FROM event_subscriptions WHERE name = ?", params: [name] },
      { sql: "DELETE FROM event_deliveries WHERE plugin_id = ?", params: [APP + name] },
    ]);
  }

  /** What was given up, oldest first, at most 1,000. */
  async deadLetters(): Promise<DeadLetter[]> {
    const rows = await this.#store.all(
      `SELECT d.plugin_id, d.attempts, d.reason, e.id, e.topic, e.published_at FROM event_deliveries d
        JOIN events e ON e.seq = d.event_seq WHERE d.state = 'dead' ORDER BY e.seq, d.plugin_id LIMIT 1000`,
    );
    return rows.map((row) => ({
      subscriber: String(row["plugin_id"]),
      eventId: String(row["id"]),
      topic: String(row["topic"]),
      publishedAt: String(row["published_at"]),
      attempts: Number(row["attempts"]),
      reason: String(row["reason"]),
    }));
  }

  /**
   * Tries a dead letter again, from the first attempt on.
   *
   * @throws HostError HOST_EVENT_UNKNOWN when it is not there
   */
  async redeliver({ subscriber, eventId }: Pick<DeadLetter, "subscriber" | "eventId">): Promise<void> {
    const [result] = await this.#store.transaction([
      {
        sql: `UPDATE event_deliveries SET state = 'pending', attempts = 0, reason = NULL, due_at = '' WHERE state = 'dead'
                AND plugin_id = ? AND event_seq = (SELECT seq FROM events WHERE id = ?)`,
        params: [subscriber, eventId],
      },
    ]);
    if (result?.changes !== 1)
      throw new HostError("HOST_EVENT_UNKNOWN", `there is no dead letter ${quote(eventId)} of ${quote(subscriber)}`);
    this.#bus.wake();
  }
}
