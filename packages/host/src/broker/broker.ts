import { isCodedError, quote } from "@berth/base";
import type { CodedError } from "@berth/base";
import { decodeValue } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { Journal } from "../journal.ts";
import { verifySink } from "../labels/sinks.ts";
import type { Alerts } from "../statistics/alerts.ts";
import type { KeyedEffects } from "./keyed-effects.ts";
import { requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceMethod, ServiceRequest } from "./service.ts";

/** The only door from a compartment to anything else. */
export class Broker {
  readonly #services: readonly Service[];
  /** By full name, such as `storage.put`. */
  readonly #methods = new Map<string, ServiceMethod>();
  readonly #journal: Journal;
  readonly #alerts: Alerts;
  readonly #effects: KeyedEffects;
  readonly #ownerTakesLabelled: boolean;

  constructor(
    services: readonly Service[],
    journal: Journal,
    alerts: Alerts,
    effects: KeyedEffects,
    ownerTakesLabelled = false,
  ) {
    this.#effects = effects;
    this.#ownerTakesLabelled = ownerTakesLabelled;
    this.#services = services;
    this.#alerts = alerts;
    this.#journal = journal;
    for (const { name, methods } of services)
      for (const [method, found] of methods) this.#methods.set(`${name}.${method}`, found);
  }

  /**
   * Answers one request of a plugin.
   *
   * @throws HostError and the services' own coded errors; every denial is journalled before it is thrown
   */
  async request(call: ServiceCall, method: string, value: WireValue): Promise<unknown> {
    try {
      const found = this.#methods.get(method);
      if (found === undefined)
        throw new HostError("BROKER_METHOD_UNKNOWN", `this host has no service for ${quote(method)}`);
      if (found.hasEffect === true && call.effect === "pure") {
        throw new HostError(
          "BROKER_EFFECT_DENIED",
          `${method}: the action ${call.action} is declared pure, and this changes something`,
        );
      }
      // The one place where what is labelled is kept from services that keep no labels.
      verifySink(method, call.label.current, this.#ownerTakesLabelled);
      const request = decodeValue(value);
      if (typeof request !== "object" || request === null || Array.isArray(request))
        throw requestInvalid(method, "expected an object");
      if (found.hasEffect === false || call.effectKey === undefined)
        return await found.run(call, request as ServiceRequest);
      return await this.#effects.once(call, call.effectKey, method, value, (key) =>
        found.run(call, request as ServiceRequest, key),
      );
    } catch (error) {
      if (isCodedError(error) && error.kind === "denied") {
        const { pluginId, version } = call;
        this.#alerts.note(pluginId, { denials: 1 });
        await this.#journal.deny({
          kind: "denial",
          pluginId,
          version,
          subject: this.#subjectOf(method, error),
          outcome: error.code,
          detail: error.message,
          label: call.label.current,
        });
      }
      throw error;
    }
  }

  /** The method, and the permission and parameter that were missing. Never words of the plugin: it could invent them without end. */
  #subjectOf(method: string, { details }: CodedError): string {
    if (!this.#methods.has(method)) return "(unknown)";
    const { permission, parameter } = details ?? {};
    if (typeof permission !== "string") return method;
    return `${method} ${permission}${typeof parameter === "string" ? `.${parameter}` : ""}`;
  }

  /** Lets go of everything that services hold for a plugin. */
  release(pluginId: string): void {
    for (const service of this.#services) service.release?.(pluginId);
  }

  /** Ends what services do for plugins that have no right to it any more. */
  reconsider(): void {
    for (const service of this.#services) service.reconsider?.();
  }

  /** Ends what services do; resolves when nothing of it is left. */
  async close(): Promise<void> {
    await Promise.all(this.#services.map((service) => service.close?.() ?? Promise.resolve()));
  }
}
