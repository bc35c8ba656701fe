import { isCodedError, quote } from "@berth/base";
import { decodeValue } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { Journal } from "../journal.ts";
import type { Service, ServiceCall } from "./service.ts";

/** The only door from a compartment to anything else. */
export class Broker {
  readonly #services: ReadonlyMap<string, Service>;
  readonly #journal: Journal;

  constructor(services: readonly Service[], journal: Journal) {
    this.#services = new Map(services.map((service) => [service.name, service]));
    this.#journal = journal;
  }

  /**
   * Answers one request of a plugin.
   *
   * @throws HostError and the services' own coded errors; every denial is journalled before it is thrown
   */
  async request(call: ServiceCall, method: string, value: WireValue): Promise<unknown> {
    try {
      const dot = method.indexOf(".");
      const service = this.#services.get(method.slice(0, Math.max(dot, 0)));
      if (service === undefined)
        throw new HostError("BROKER_METHOD_UNKNOWN", `this host has no service for ${quote(method)}`);
      return await service.request(call, method.slice(dot + 1), decodeValue(value));
    } catch (error) {
      if (isCodedError(error) && error.kind === "denied") {
        const { pluginId, version } = call;
        await this.#journal.deny({
          kind: "denial",
          pluginId,
          version,
          subject: quote(method, 60),
          outcome: error.code,
          detail: error.message,
        });
      }
      throw error;
    }
  }
}
