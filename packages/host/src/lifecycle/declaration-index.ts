import type { Manifest } from "@berth/spec";

import { declarationsOf } from "./stored-manifest.ts";

/** Installed manifests by what they declare. */
export class DeclarationIndex {
  readonly #subscribers = new Map<string, Set<string>>();
  readonly #scheduled = new Set<string>();

  /** A plugin's manifest became another one; `undefined`: nothing is known of it. */
  note(pluginId: string, before: Manifest | undefined, after: Manifest | undefined): void {
    if (before === after) return;
    for (const topic of before === undefined ? [] : declarationsOf(before).topics) {
      const subscribers = this.#subscribers.get(topic);
      subscribers?.delete(pluginId);
      if (subscribers?.size === 0) this.#subscribers.delete(topic);
    }
    this.#scheduled.delete(pluginId);
    if (after === undefined) return;
    const { topics, hasSchedules } = declarationsOf(after);
    for (const topic of topics) this.#subscribers.set(topic, (this.#subscribers.get(topic) ?? new Set()).add(pluginId));
    if (hasSchedules) this.#scheduled.add(pluginId);
  }

  /** Plugins whose manifests subscribe to a topic, sorted. */
  subscribersOf(topic: string): string[] {
    return [...(this.#subscribers.get(topic) ?? [])].toSorted();
  }

  /** Plugins whose manifests declare schedules, sorted. */
  scheduled(): string[] {
    return [...this.#scheduled].toSorted();
  }
}
