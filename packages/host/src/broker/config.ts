import { isDeepStrictEqual } from "node:util";

import { CONFIG_CHANGED } from "@berth/spec";
import { encodeValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { EventSink } from "../host-event.ts";
import { journalStatement } from "../journal.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { ValueCheck } from "../schema/value-check.ts";
import { methodTable } from "./service.ts";
import type { Service } from "./service.ts";
import { withDefaults } from "./settings-defaults.ts";
import type { Vault } from "./vault.ts";

/** The name under which the vault keeps a plugin's settings; no secret can be called so. */
export const SETTINGS = "$config";
const MAX_SETTINGS_BYTES = 65_536;

/** What settings work on. All of it belongs to the host. */
export interface SettingsParts {
  readonly vault: Vault;
  readonly plugins: PluginTable;
  readonly values: ValueCheck;
  readonly events: EventSink;
  readonly bus: () => EventBus;
  readonly now: () => Date;
}

/** Settings of plugins: checked against the manifest's schema, sealed like secrets, since they often hold some. */
export class Settings {
  readonly #parts: SettingsParts;

  constructor(parts: SettingsParts) {
    this.#parts = parts;
  }

  /**
   * The plugin is told of what changed for it, in the same step: a change that is on disk is never missed.
   *
   * @throws HostError HOST_PLUGIN_UNKNOWN, HOST_SETTINGS_INVALID, HOST_VAULT_CLOSED
   */
  async set(pluginId: string, value: unknown): Promise<void> {
    const { vault, plugins, values, events, bus, now } = this.#parts;
    const record = plugins.get(pluginId);
    const schema = record.release?.manifest.config;
    if (schema === undefined) throw new HostError("HOST_SETTINGS_INVALID", `${pluginId} has no settings`);
    const fault = await values.faultOf(schema, value, encodeValue(value));
    if (fault !== undefined) {
      throw new HostError("HOST_SETTINGS_INVALID", `the settings of ${pluginId} at "${fault.path}" ${fault.message}`, {
        details: { ...fault },
      });
    }
    const text = JSON.stringify(value);
    if (text.length > MAX_SETTINGS_BYTES)
      throw new HostError(
        "HOST_SETTINGS_INVALID",
        `the settings of ${pluginId} are larger than ${MAX_SETTINGS_BYTES} bytes`,
      );
    const changed = changedMembers(await this.#getIfOpen(pluginId), withDefaults(schema, value));
    const isNews = changed.length > 0;
    const entry = { kind: "config", pluginId, version: record.facts.version, outcome: "ok" } as const;
    const notice = isNews ? bus().noticeStatements(pluginId, CONFIG_CHANGED, { changed }) : [];
    await vault.set(pluginId, SETTINGS, text, [
      ...(isNews ? [journalStatement({ ...entry, detail: JSON.stringify(changed) }, now().toISOString())] : []),
      ...notice,
    ]);
    if (!isNews) return;
    events.emit({ kind: "config", pluginId, changed });
    if (notice.length > 0) bus().wake();
  }

  /** `undefined`: what was set does not open. To set it anew is the way out, so that must not fail for it. */
  async #getIfOpen(pluginId: string): Promise<unknown> {
    try {
      return await this.get(pluginId);
    } catch (error) {
      if (error instanceof HostError && error.code === "HOST_VAULT_CLOSED") return undefined;
      throw error;
    }
  }

  /** What was set, whether or not the installed release still takes it. @throws HostError HOST_VAULT_CLOSED */
  async stored(pluginId: string): Promise<unknown> {
    const text = await this.#parts.vault.find(pluginId, SETTINGS);
    return text === undefined ? undefined : (JSON.parse(text) as unknown);
  }

  /** What was set, as far as the installed release still takes it; else the defaults of its schema's members. */
  async get(pluginId: string): Promise<unknown> {
    const { plugins, values } = this.#parts;
    const schema = plugins.get(pluginId).release?.manifest.config;
    if (schema === undefined) return {};
    const stored = await this.stored(pluginId);
    const isUsable = stored !== undefined && (await values.faultOf(schema, stored, encodeValue(stored))) === undefined;
    return withDefaults(schema, isUsable ? stored : {});
  }
}

/** `ctx.config`: what the operator set for the plugin. Read anew each time, so a change is seen at the next look. */
export function makeConfigService(settings: Settings): Service {
  return {
    name: "config",
    methods: methodTable({ get: async ({ pluginId }) => ({ value: await settings.get(pluginId) }) }, {}),
  };
}

/** Names of members that are not the same in both. */
function changedMembers(before: unknown, after: unknown): string[] {
  const [from, to] = [before, after].map((value) => new Map(Object.entries((value ?? {}) as object)));
  const names = new Set([...(from?.keys() ?? []), ...(to?.keys() ?? [])]);
  return [...names].filter((name) => !isDeepStrictEqual(from?.get(name), to?.get(name))).toSorted();
}
