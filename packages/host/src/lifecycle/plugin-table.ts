import { quote } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";
import type { Manifest } from "@berth/spec";

import { InstalledPlugin } from "../call/installed-plugin.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../host-event.ts";
import { fitToLevel, footingOf } from "../install/fit-to-level.ts";
import type { PluginPolicy } from "../policy.ts";
import { DeclarationIndex } from "./declaration-index.ts";
import { PluginRecord } from "./plugin-record.ts";
import type { FactsListener, StoredFacts } from "./plugin-record.ts";
import type { StoredPlugin } from "./stored-plugin.ts";
import type { PluginState, StoredState } from "./transitions.ts";

/** What plugins are judged by when the host takes them up. */
export interface PluginTableParts {
  readonly policyFor: (pluginId: string) => PluginPolicy;
  readonly engines: readonly EngineDescriptor[];
  readonly events: EventSink;
  /** Real paths of the development folders that this host was opened with. */
  readonly developmentFolders: ReadonlySet<string>;
}

/** The plugins of an open host, by id. */
export class PluginTable {
  readonly #records = new Map<string, PluginRecord>();
  readonly #declarations = new DeclarationIndex();
  readonly #noteFacts: FactsListener = (id, before, after) =>
    this.#declarations.note(id, before?.manifest, after?.manifest);
  /** Ids in their order; made when first asked for. */
  #sortedIds: readonly string[] | undefined;
  readonly #parts: PluginTableParts;

  constructor(parts: PluginTableParts) {
    this.#parts = parts;
  }

  /** Takes up what is stored when the host opens. A plugin that cannot run here fails alone. */
  restore({ id, facts, stateReason, fault }: StoredPlugin): void {
    const record = this.begin(id);
    const { manifest, state } = facts;
    record.facts = facts;
    try {
      if (manifest !== undefined) record.release = this.releaseOf(manifest, facts);
      const [to, reason] = fault === undefined ? ([state, stateReason] as const) : failed(state, fault);
      record.apply("restore", to, reason);
    } catch (error) {
      record.apply("restore", ...failed(state, error instanceof Error ? error.message : quote(error)));
    }
  }

  /**
   * What runs of a stored release on this host.
   *
   * @throws HostError HOST_LIMITS_TOO_HIGH, HOST_RUNTIME_UNSUPPORTED, HOST_DEVELOPMENT_OFF
   */
  releaseOf(manifest: Manifest, facts: StoredFacts): InstalledPlugin {
    const { developmentFolder } = facts;
    if (developmentFolder !== undefined && !this.#parts.developmentFolders.has(developmentFolder)) {
      throw new HostError(
        "HOST_DEVELOPMENT_OFF",
        `${manifest.id} comes unsigned from ${quote(developmentFolder, 200)}, which this host was not opened with`,
      );
    }
    const footing = footingOf(manifest, this.#parts.policyFor(manifest.id));
    const { limits } = fitToLevel(manifest, footing, this.#parts.engines);
    return new InstalledPlugin({ ...facts, manifest, ...footing, limits });
  }

  /** The record of an id, a new one when nothing is known of it. */
  begin(pluginId: string): PluginRecord {
    let record = this.#records.get(pluginId);
    if (record === undefined) {
      record = new PluginRecord(pluginId, this.#parts.events, this.#noteFacts);
      this.#records.set(pluginId, record);
      this.#sortedIds = undefined;
    }
    return record;
  }

  /** Forgets a record of which nothing is stored. */
  drop({ id }: PluginRecord): void {
    this.#records.delete(id);
    this.#sortedIds = undefined;
  }

  /** The record of what is stored under an id. */
  find(pluginId: string): (PluginRecord & { readonly facts: StoredFacts }) | undefined {
    const record = this.#records.get(pluginId);
    return record !== undefined && isStored(record) ? record : undefined;
  }

  /** @throws HostError HOST_PLUGIN_UNKNOWN */
  get(pluginId: string): PluginRecord & { readonly facts: StoredFacts } {
    const record = this.find(pluginId);
    if (record === undefined) throw new HostError("HOST_PLUGIN_UNKNOWN", `no plugin ${quote(pluginId)} is installed`);
    return record;
  }

  /** Everything that is stored, by id. */
  stored(): (PluginRecord & { readonly facts: StoredFacts })[] {
    this.#sortedIds ??= [...this.#records.keys()].toSorted();
    return this.#sortedIds.flatMap((id) => this.find(id) ?? []);
  }

  /** Plugins whose manifests subscribe to a topic, switched on or not, by id. */
  subscribersOf(topic: string): string[] {
    return this.#declarations.subscribersOf(topic);
  }

  /** What is stored of plugins whose manifests declare schedules, by id. */
  scheduled(): (PluginRecord & { readonly facts: StoredFacts })[] {
    return this.#declarations.scheduled().flatMap((id) => this.find(id) ?? []);
  }

  /** The manifest of an id; `undefined` when nothing is stored that could run here. */
  manifestOf(pluginId: string): Manifest | undefined {
    return this.find(pluginId)?.release?.manifest;
  }

  /**
   * Manifests of everything that is stored and can be read, by id. Also of what failed or is switched off: what it
   * needs is still needed.
   */
  manifests(): Map<string, Manifest> {
    return new Map(
      this.stored().flatMap(({ id, facts: { manifest } }) => (manifest === undefined ? [] : [[id, manifest]])),
    );
  }
}

const isStored = (record: PluginRecord): record is PluginRecord & { readonly facts: StoredFacts } =>
  record.facts !== undefined;

/** What a person switched off, or crashes put away, stays so: there is nothing to run. */
const failed = (state: StoredState, why: string): readonly [PluginState, string] => [
  state === "enabled" ? "failed" : state,
  why,
];
