import { encodeValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { ValueCheck } from "../schema/value-check.ts";
import { methodTable } from "./service.ts";
import type { Service } from "./service.ts";
import type { Vault } from "./vault.ts";

/** The name under which the vault keeps a plugin's settings; no secret can be called so. */
const SETTINGS = "$config";
const MAX_SETTINGS_BYTES = 65_536;

/** Settings of plugins: checked against the manifest's schema, sealed like secrets, since they often hold some. */
export class Settings {
  readonly #vault: Vault;
  readonly #plugins: PluginTable;

  readonly #values: ValueCheck;

  constructor(vault: Vault, plugins: PluginTable, values: ValueCheck) {
    this.#values = values;
    this.#vault = vault;
    this.#plugins = plugins;
  }

  /** @throws HostError HOST_PLUGIN_UNKNOWN, HOST_SETTINGS_INVALID, HOST_VAULT_CLOSED */
  async set(pluginId: string, value: unknown): Promise<void> {
    const schema = this.#plugins.get(pluginId).release?.manifest.config;
    if (schema === undefined) throw new HostError("HOST_SETTINGS_INVALID", `${pluginId} has no settings`);
    const fault = await this.#values.faultOf(schema, value, encodeValue(value));
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
    await this.#vault.set(pluginId, SETTINGS, text);
  }

  /** What was set, as far as the installed release still takes it; else the defaults of its schema's members. */
  async get(pluginId: string): Promise<unknown> {
    const schema = this.#plugins.get(pluginId).release?.manifest.config;
    if (schema === undefined) return {};
    const text = await this.#vault.find(pluginId, SETTINGS);
    const stored: unknown = text === undefined ? undefined : JSON.parse(text);
    const isUsable =
      stored !== undefined && (await this.#values.faultOf(schema, stored, encodeValue(stored))) === undefined;
    return { ...defaultsOf(schema), ...(isUsable && typeof stored === "object" ? stored : {}) };
  }
}

/** `ctx.config`: what the operator set for the plugin. Read anew each time, so a change is seen at the next look. */
export function makeConfigService(settings: Settings): Service {
  return {
    name: "config",
    methods: methodTable({ get: async ({ pluginId }) => ({ value: await settings.get(pluginId) }) }, {}),
  };
}

function defaultsOf(schema: unknown): Record<string, unknown> {
  const { properties } = (typeof schema === "object" && schema !== null ? schema : {}) as { properties?: object };
  const defaults: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(properties ?? {}) as [string, unknown][]) {
    if (typeof member === "object" && member !== null && Object.hasOwn(member, "default"))
      Object.defineProperty(defaults, name, { value: (member as { default: unknown }).default, enumerable: true });
  }
  return defaults;
}
