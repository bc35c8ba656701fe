import { randomUUID } from "node:crypto";

import { quote, reportOf } from "@berth/base";
import type { DataLabel, DialectSchema, Permission } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";
import { decodeText } from "@berth/wire";

import type { SetAlarm } from "../alarm.ts";
import { formatStored } from "../broker/storage-rows.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../host-event.ts";
import { compileSchema } from "../schema/compile.ts";
import type { Validate } from "../schema/compile.ts";
import { MAX_KEYS, digestOf, publishStatements } from "./delivery-rows.ts";
import type { Delivery } from "./delivery-rows.ts";
import { DurableQueue } from "./durable-queue.ts";
import { EphemeralQueue } from "./ephemeral-queue.ts";
import { APP, Subscribers } from "./subscribers.ts";
import type { SubscriberParts } from "./subscribers.ts";

/** An event that the embedding program publishes, as a manifest declares one. Its topic is `app/NAME`. */
export interface AppEvent {
  readonly payload: DialectSchema;
  readonly delivery?: "ephemeral" | "durable";
}

/** What became of a publication. */
export interface Published {
  readonly id: string;
  /** False when an event with the same key was published within the last 24 hours: `id` is that event's. */
  readonly isNew: boolean;
}

/** What is to be published; who may was decided before. */
export interface NewEvent {
  readonly publisher: string;
  readonly topic: string;
  readonly isDurable: boolean;
  readonly partition: string | undefined;
  readonly callerRights: readonly Permission[] | undefined;
  readonly hops: number;
  readonly key: string | undefined;
  readonly value: unknown;
  /** Of the publisher's data; `undefined` when there was none that anybody minds. */
  readonly label: DataLabel | undefined;
}

export interface EventBusParts extends SubscriberParts {
  readonly store: Store;
  readonly now: () => Date;
  readonly setAlarm: SetAlarm;
  readonly events: EventSink;
  readonly appEvents: Readonly<Record<string, AppEvent>>;
}

/** Largest value of an event, bytes of JSON text and byte arrays. */
export const MAX_EVENT_BYTES = 65_536;
/** Events that may lead to one another. */
export const MAX_HOPS = 8;
const DAY_MS = 86_400_000;

/** Takes events and brings them to everybody who subscribed. */
export class EventBus {
  readonly subscribers: Subscribers;
  readonly #parts: EventBusParts;
  readonly #ephemeral: EphemeralQueue;
  readonly #durable: DurableQueue;
  readonly #appEvents = new Map<string, { readonly isDurable: boolean; readonly validate: Validate }>();

  constructor(parts: EventBusParts) {
    const { store, now, setAlarm, events, journal } = parts;
    this.#parts = parts;
    this.subscribers = new Subscribers(parts);
    for (const [name, { payload, delivery }] of Object.entries(parts.appEvents))
      this.#appEvents.set(name, { isDurable: delivery === "durable", validate: compileSchema(payload) });
    const deliver: Subscribers["deliver"] = (subscriber, delivery, onLabel) =>
      this.subscribers.deliver(subscriber, delivery, onLabel);
    const onFault = (error: unknown): void => events.emit({ kind: "fault", what: "event", error: reportOf(error) });
    this.#ephemeral = new EphemeralQueue({
      deliver,
      fail(subscriber, { topic }, error) {
        if (subscriber.startsWith(APP) && error !== undefined) return onFault(error);
        const outcome = error === undefined ? "BROKER_QUOTA_EXCEEDED" : reportOf(error).code;
        journal.note({ kind: "event", pluginId: subscriber, subject: topic, outcome, detail: "dropped" });
      },
    });
    this.#durable = new DurableQueue({
      store,
      now,
      setAlarm,
      deliver,
      onFault,
      isReady: (subscriber) => this.subscribers.isReady(subscriber),
    });
  }

  /** Takes up what is stored, and delivers what is due. */
  restore(subscriptions: readonly Row[]): void {
    for (const row of subscriptions) this.subscribers.restore(String(row["name"]), String(row["topic"]));
    this.wake();
  }

  /** Somebody may be ready to hear what waits for them. */
  wake(): void {
    this.#durable.wake();
  }

  /** @throws HostError HOST_EVENT_UNKNOWN when the host's options do not declare the event */
  appEvent(name: string): { readonly isDurable: boolean; readonly validate: Validate } {
    const declared = this.#appEvents.get(name);
    if (declared === undefined)
      throw new HostError("HOST_EVENT_UNKNOWN", `the options of this host declare no event ${quote(name)}`);
    return declared;
  }

  /**
   * Publishes. A durable event is on disk when this resolves.
   *
   * @throws HostError BROKER_REQUEST_INVALID when the value is too large, BROKER_KEY_REUSED, BROKER_QUOTA_EXCEEDED;
   *   WireError, StoreError
   */
  async publish(event: NewEvent): Promise<Published> {
    const { store, now } = this.#parts;
    const { topic, partition, callerRights, hops, isDurable, label } = event;
    const value = formatStored("", event.value);
    if (value.size > MAX_EVENT_BYTES)
      throw new HostError(
        "BROKER_REQUEST_INVALID",
        `events.publish: the value of ${topic} has ${value.size} bytes, at most ${MAX_EVENT_BYTES} are published`,
      );
    const id = randomUUID();
    const at = now();
    const publishedAt = at.toISOString();
    const { kept, passing } = this.subscribers.of(topic, isDurable);
    let stands: string = id;
    if (isDurable && (kept.length > 0 || event.key !== undefined)) {
      const dayBefore = new Date(at.getTime() - DAY_MS).toISOString();
      const results = await store.transaction(publishStatements({ ...event, id, value, publishedAt }, kept, dayBefore));
      const row = results.at(-1)?.rows[0];
      if (row === undefined)
        throw new HostError(
          "BROKER_QUOTA_EXCEEDED",
          `events.publish: ${topic} was published with ${MAX_KEYS} keys today`,
        );
      stands = String(row["id"]);
      if (stands !== id && row["digest"] !== digestOf(value))
        throw new HostError("BROKER_KEY_REUSED", `events.publish: the key was used for another ${topic} within a day`);
      this.wake();
    }
    const isNew = stands === id;
    if (isNew && passing.length > 0) {
      const { text, bytes } = value.stored;
      // Bytes of a request are views of a larger buffer, which a queue must not keep alive.
      const own = bytes.map((each) => each.slice());
      const delivery: Delivery = {
        id,
        topic,
        partition,
        publishedAt,
        hops,
        callerRights,
        label,
        attempt: 1,
        value: () => decodeText(text, own),
      };
      for (const subscriber of passing) this.#ephemeral.push(subscriber, delivery);
    }
    return { id: stands, isNew };
  }

  /**
   * What the host itself tells one plugin, if its manifest subscribes, to be written together with what it tells of;
   * `wake` afterwards.
   */
  noticeStatements(pluginId: string, topic: string, value: unknown): Statement[] {
    if (!this.#parts.plugins.subscribersOf(topic).includes(pluginId)) return [];
    const at = this.#parts.now();
    const notice = {
      id: randomUUID(),
      publisher: pluginId,
      topic,
      partition: undefined,
      key: undefined,
      value: formatStored("", value),
      callerRights: undefined,
      hops: 0,
      publishedAt: at.toISOString(),
      label: undefined,
    };
    return publishStatements(notice, [pluginId], new Date(at.getTime() - DAY_MS).toISOString());
  }

  close(): void {
    this.#ephemeral.close();
    this.#durable.close();
  }
}
