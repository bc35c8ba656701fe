import { isCodedError } from "@berth/base";
import { isHostTopic } from "@berth/spec";
import type { DataLabel, Manifest, Permission } from "@berth/spec";

import type { ServiceCall } from "../broker/service.ts";
import type { CallScope } from "../call/calls.ts";
import { HostError } from "../errors.ts";
import type { Journal } from "../journal.ts";
import { CallLabel } from "../labels/call-label.ts";
import { labelDenied } from "../labels/sinks.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Rights } from "../rights/rights.ts";
import type { Delivery } from "./delivery-rows.ts";

/** An event as a handler of the embedding program gets it. */
export interface HostEventDelivery {
  readonly id: string;
  readonly topic: string;
  readonly partition: string | undefined;
  /** ISO instant. */
  readonly publishedAt: string;
  /** 1 for the first delivery. */
  readonly attempt: number;
  readonly value: unknown;
  /** Where the publisher's data may leave to; absent: it had none that anybody minds. */
  readonly label?: DataLabel;
}

/** A handler of the embedding program, and whether it takes what is labelled. */
export interface HostSubscription {
  readonly handler: EventHandler;
  readonly takesLabelled: boolean;
}

export type EventHandler = (event: HostEventDelivery) => void | Promise<void>;

/** What subscribers are found and reached with. All of it belongs to the host. */
export interface SubscriberParts {
  readonly plugins: PluginTable;
  readonly rights: Rights;
  readonly journal: Journal;
  readonly call: (pluginId: string, action: string, input: unknown, scope: CallScope) => Promise<unknown>;
}

/** Marks names of the embedding program: no plugin's id has a colon. */
export const APP = "app:";
/** Handlers without a name, of which nothing is kept. */
const UNNAMED = `${APP}#`;

/** Who hears of which topic: plugins by their manifests, and handlers of the embedding program. */
export class Subscribers {
  readonly #parts: SubscriberParts;
  /** Handlers of the embedding program: by subscriber, by topic. */
  readonly #handlers = new Map<string, Map<string, HostSubscription>>();
  /** Named subscriptions that are stored, also while nobody handles them. */
  readonly #named = new Map<string, Set<string>>();
  #nextUnnamed = 1;

  constructor(parts: SubscriberParts) {
    this.#parts = parts;
  }

  restore(name: string, topic: string): void {
    const subscriber = APP + name;
    this.#named.set(subscriber, (this.#named.get(subscriber) ?? new Set()).add(topic));
  }

  /** Answers with the subscriber that the handler now is. */
  add(topic: string, subscription: HostSubscription, name: string | undefined): string {
    let subscriber = `${UNNAMED}${this.#nextUnnamed}`;
    if (name === undefined) this.#nextUnnamed += 1;
    else {
      subscriber = APP + name;
      this.restore(name, topic);
    }
    this.#handlers.set(
      subscriber,
      (this.#handlers.get(subscriber) ?? new Map<string, HostSubscription>()).set(topic, subscription),
    );
    return subscriber;
  }

  /** The handler hears no more; under a name, events wait for the next one. */
  remove(subscriber: string, topic: string): void {
    const handlers = this.#handlers.get(subscriber);
    handlers?.delete(topic);
    if (handlers?.size === 0) this.#handlers.delete(subscriber);
  }

  forget(name: string): void {
    this.#handlers.delete(APP + name);
    this.#named.delete(APP + name);
  }

  /**
   * Who gets what is published now. `kept`: for whom a durable event is stored, plugins that are switched off and names
   * that nobody handles included. `passing`: who gets it only because it is there.
   */
  of(topic: string, isDurable: boolean): { readonly kept: readonly string[]; readonly passing: readonly string[] } {
    const plugins = this.#parts.plugins.subscribersOf(topic);
    const handlers = [...this.#handlers].filter(([, topics]) => topics.has(topic)).map(([subscriber]) => subscriber);
    if (!isDurable) return { kept: [], passing: [...plugins, ...handlers].filter((each) => this.isReady(each)) };
    const named = [...this.#named].filter(([, topics]) => topics.has(topic)).map(([subscriber]) => subscriber);
    return { kept: [...plugins, ...named], passing: handlers.filter((each) => each.startsWith(UNNAMED)) };
  }

  /** Whether a subscriber can be reached at this moment. */
  isReady(subscriber: string): boolean {
    if (subscriber.startsWith(APP)) return this.#handlers.has(subscriber);
    return this.#parts.plugins.find(subscriber)?.state === "enabled";
  }

  /**
   * Hands an event over. Throws what the handler, or the right to hear of it, failed with; `onLabel` hears before
   * that words of a plugin in it carry labelled data.
   */
  async deliver(subscriber: string, delivery: Delivery, onLabel: (label: DataLabel) => void): Promise<void> {
    const { id, topic, partition, publishedAt, attempt, label } = delivery;
    if (subscriber.startsWith(APP)) {
      const found = this.#handlers.get(subscriber)?.get(topic);
      if (found === undefined) throw new HostError("HOST_EVENT_UNKNOWN", `nobody handles ${topic} any more`);
      const facts = { id, topic, partition, publishedAt, attempt };
      if (label === undefined) return found.handler({ ...facts, value: delivery.value() });
      if (found.takesLabelled) return found.handler({ ...facts, value: delivery.value(), label });
      throw labelDenied(`event ${topic}`, label, "this handler did not say that it takes labelled data");
    }
    const { plugins, call } = this.#parts;
    const manifest = plugins.get(subscriber).callable().manifest;
    const subscription = new Map(Object.entries(manifest.contributes.subscriptions)).get(topic);
    if (subscription === undefined)
      throw new HostError("HOST_ACTION_UNKNOWN", `${subscriber} does not subscribe to ${topic} any more`);
    // What the host tells a plugin of itself needs no right.
    if (!isHostTopic(topic)) await this.#verifyRight(manifest, subscription.action, delivery);
    // What handles an event and may be repeated is recognized when it is: its effects happen once.
    const isRepeatable = manifest.contributes.actions[subscription.action]?.effect === "idempotent";
    await call(subscriber, subscription.action, delivery.value(), {
      ...(isRepeatable && { idempotencyKey: `event ${id}` }),
      partition,
      callerRights: delivery.callerRights,
      signal: undefined,
      label,
      onLabel,
      origin: {
        by: `event ${topic}`,
        chain: [],
        through: undefined,
        deadlineAt: Infinity,
        tree: { underWay: 0 },
        hops: delivery.hops + 1,
        event: { id, topic, publishedAt, attempt },
      },
    });
  }

  async #verifyRight(manifest: Manifest, action: string, delivery: Delivery): Promise<void> {
    const { id: pluginId, version, permissions } = manifest;
    const { rights, journal } = this.#parts;
    const { partition, callerRights, topic } = delivery;
    const call: ServiceCall = {
      pluginId,
      version,
      permissions,
      action,
      partition,
      callerRights,
      effect: undefined,
      // The host asks, in no process of the plugin's.
      sharesProcess: false,
      chain: [],
      through: undefined,
      deadlineAt: Infinity,
      tree: { underWay: 0 },
      hops: 0,
      effectKey: undefined,
      grantedOnce: [],
      label: new CallLabel(),
      signal: () => new AbortController().signal,
    };
    const wanted: Permission = {
      name: "platform_services",
      events: { publish: [], subscribe: [topic], perHour: 1 },
    };
    try {
      await rights.verify(call, wanted);
    } catch (error) {
      if (isCodedError(error) && error.code === "BROKER_DENIED") {
        const parameter = error.details?.["parameter"];
        const subject = `events.subscribe ${wanted.name}${typeof parameter === "string" ? `.${parameter}` : ""}`;
        await journal.deny({ kind: "denial", pluginId, version, subject, outcome: error.code, detail: error.message });
      }
      throw error;
    }
  }
}
