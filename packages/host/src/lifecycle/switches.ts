import { parseManifest } from "@berth/spec";
import type { Store } from "@berth/store";

import type { Broker } from "../broker/broker.ts";
import type { InstalledPlugin } from "../call/installed-plugin.ts";
import { journalStatement } from "../journal.ts";
import type { PluginTable } from "./plugin-table.ts";
import type { PluginRecord, StoredFacts } from "./plugin-record.ts";
import type { CrashWatch } from "./crash-watch.ts";
import { makeStoredManifest } from "./stored-manifest.ts";
import type { StoredState, Verb } from "./transitions.ts";

/** What switching works on. All of it belongs to the host. */
export interface SwitchParts {
  readonly store: Store;
  readonly plugins: PluginTable;
  readonly broker: Broker;
  readonly crashes: CrashWatch;
  readonly now: () => Date;
}

/** Switches plugins on and off. The host calls these one after the other. */
export class Switches {
  readonly #parts: SwitchParts;

  constructor(parts: SwitchParts) {
    this.#parts = parts;
  }

  /** See `Host.enable`. Out of quarantine it takes two steps: released, then enabled. */
  async enable(pluginId: string): Promise<void> {
    const record = this.#parts.plugins.get(pluginId);
    if (record.state === "enabled") return;
    if (record.state === "quarantined") {
      this.#parts.crashes.forget(pluginId);
      await this.#switch(record, "release", "disabled");
    }
    await this.#switch(record, "enable", "enabled");
  }

  /** See `Host.disable`. */
  async disable(pluginId: string): Promise<void> {
    const record = this.#parts.plugins.get(pluginId);
    if (record.state === "disabled") return;
    await this.#switch(record, "disable", "disabled");
    record.release?.end();
    this.#parts.broker.release(record.id);
  }

  /** Puts a plugin away that crashed again and again. Does nothing when it was switched off meanwhile. */
  async quarantine(pluginId: string, reason: string): Promise<void> {
    const record = this.#parts.plugins.find(pluginId);
    if (record === undefined || (record.state !== "enabled" && record.state !== "failed")) return;
    await this.#switch(record, "quarantine", "quarantined", reason);
    record.release?.end();
    this.#parts.broker.release(record.id);
  }

  /** See `Host.unload`. */
  async unload(pluginId: string): Promise<void> {
    this.#parts.plugins.get(pluginId).release?.disposeCompartments();
    this.#parts.broker.release(pluginId);
  }

  async #switch(
    record: PluginRecord & { readonly facts: StoredFacts },
    verb: Verb,
    state: StoredState,
    reason?: string,
  ): Promise<void> {
    record.verifyCan(verb);
    const { store, now } = this.#parts;
    const at = now().toISOString();
    const release = verb === "enable" ? await this.#takeUp(record) : record.release;
    await store.transaction([
      {
        sql: "UPDATE plugins SET state = ?, state_reason = ? WHERE id = ?",
        params: [state, reason ?? null, record.id],
        expectChanges: 1,
      },
      journalStatement(
        {
          kind: "state",
          pluginId: record.id,
          version: record.facts.version,
          subject: state,
          outcome: "ok",
          detail: reason,
        },
        at,
      ),
    ]);
    const known: PluginRecord = record;
    known.facts = { ...record.facts, state };
    known.release = release;
    record.apply(verb, state, reason);
  }

  /** Reads a plugin again: what it was switched off with has ended, and what made it fail may be mended. */
  async #takeUp({ id, facts }: PluginRecord & { readonly facts: StoredFacts }): Promise<InstalledPlugin> {
    const { store, plugins } = this.#parts;
    const [row] = await store.all("SELECT manifest FROM plugins WHERE id = ?", [id]);
    const whole = parseManifest(Buffer.from(String(row?.["manifest"])));
    return plugins.releaseOf(makeStoredManifest(JSON.stringify(whole), whole), facts);
  }
}
