import { quote } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";
import { parseManifest, strongerLevel } from "@berth/spec";
import type { Manifest } from "@berth/spec";
import type { Row } from "@berth/store";

import { InstalledPlugin } from "../call/installed-plugin.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../host-event.ts";
import { fitToLevel } from "../install/fit-to-level.ts";
import type { PluginPolicy } from "../policy.ts";
import { PluginRecord } from "./plugin-record.ts";
import type { StoredFacts } from "./plugin-record.ts";
import type { StoredState } from "./transitions.ts";

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
  readonly #parts: PluginTableParts;

  constructor(parts: PluginTableParts) {
    this.#parts = parts;
  }

  /** Takes up what is stored when the host opens. A plugin that cannot run here fails alone. */
  restore(row: Row): void {
    const record = this.begin(String(row["id"]));
    const facts = factsOf(row);
    const { state } = facts;
    record.facts = facts;
    try {
      const manifest = parseManifest(Buffer.from(String(row["manifest"])));
      record.facts = { ...facts, manifest };
      record.release = this.releaseOf(manifest, facts);
      record.apply("restore", state, textOf(row["state_reason"]));
    } catch (error) {
      const message = error instanceof Error ? error.message : "its manifest cannot be read";
      // What a person switched off, or crashes put away, stays so: there is nothing to run.
      record.apply("restore", state === "enabled" ? "failed" : state, message);
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
    const level = strongerLevel(manifest.level, this.#parts.policyFor(manifest.id).level);
    const { limits } = fitToLevel(manifest, level, this.#parts.engines);
    return new InstalledPlugin({ ...facts, manifest, level, limits });
  }

  /** The record of an id, a new one when nothing is known of it. */
  begin(pluginId: string): PluginRecord {
    let record = this.#records.get(pluginId);
    if (record === undefined) {
      record = new PluginRecord(pluginId, this.#parts.events);
      this.#records.set(pluginId, record);
    }
    return record;
  }

  /** Forgets a record of which nothing is stored. */
  drop({ id }: PluginRecord): void {
    this.#records.delete(id);
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
    return [...this.#records.values()].filter(isStored).toSorted((a, b) => (a.id < b.id ? -1 : 1));
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

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

function factsOf(row: Row): StoredFacts {
  return {
    manifest: undefined,
    version: String(row["version"]),
    contentDigest: String(row["content_digest"]),
    fileDigest: String(row["file_digest"]),
    keyId: String(row["key_id"]),
    installedAt: String(row["installed_at"]),
    state: String(row["state"]) as StoredState,
    registry: textOf(row["registry"]),
    developmentFolder: textOf(row["development_folder"]),
    askedRange: textOf(row["asked_range"]),
  };
}
