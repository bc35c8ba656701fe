import { quote } from "@berth/base";

import type { Broker } from "../broker/broker.ts";
import type { Compartments } from "../call/compartments.ts";
import { inParallel } from "../graph/member-pool.ts";
import { fitsPattern } from "../policy.ts";
import type { Policy } from "../policy.ts";
import type { PluginTable } from "./plugin-table.ts";
import type { PluginRecord } from "./plugin-record.ts";
import { startOrder } from "./start-order.ts";

/** Plugins that are started at a time when the host opens. */
const STARTS_AT_A_TIME = 4;

/** What plugins are started with. All of it belongs to the host. */
export interface ActivationParts {
  readonly plugins: PluginTable;
  readonly compartments: Compartments;
  readonly broker: Broker;
  readonly policy: Policy;
}

/** Starts plugins ahead of their first call. */
export class Activation {
  readonly #parts: ActivationParts;

  constructor(parts: ActivationParts) {
    this.#parts = parts;
  }

  /** See `Host.load`. */
  async load(pluginId: string): Promise<void> {
    const { plugins, compartments } = this.#parts;
    await compartments.load(plugins.get(pluginId).callable());
  }

  /**
   * Starts what the policy names, dependencies before those who need them. A plugin that cannot be started
   * becomes `failed`, alone; the others and the host go on.
   */
  async preload(): Promise<void> {
    const { plugins, policy } = this.#parts;
    if (policy.preload.length === 0) return;
    const chosen = plugins
      .stored()
      .filter(({ id, state }) => state === "enabled" && policy.preload.some((each) => fitsPattern(each, id)))
      .map(({ id }) => id);
    for (const wave of startOrder(chosen, plugins.manifests()))
      await inParallel(wave, STARTS_AT_A_TIME, undefined, (id) => this.#start(id));
  }

  async #start(pluginId: string): Promise<void> {
    const { plugins, compartments, broker } = this.#parts;
    const record: PluginRecord = plugins.get(pluginId);
    const { release } = record;
    if (release === undefined) return;
    try {
      await compartments.load(release);
    } catch (error) {
      // Somebody switched it off or replaced it meanwhile: then that is the news.
      if (record.state !== "enabled" || record.release !== release) return;
      const why = error instanceof Error ? error.message : quote(error);
      record.apply("fail", "failed", `it could not be started: ${why}`);
      release.end();
      broker.release(pluginId);
    }
  }
}
