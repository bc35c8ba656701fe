import { quote } from "@berth/base";
import type { Manifest } from "@berth/spec";

import type { InstalledPlugin } from "../call/installed-plugin.ts";
import { HostError } from "../errors.ts";
import type { EventSink } from "../host-event.ts";
import { TRANSITIONS, verifyTransition } from "./transitions.ts";
import type { PluginState, StoredState, Verb } from "./transitions.ts";

/** What the database holds of a plugin. */
export interface StoredFacts {
  /** `undefined` when this version cannot read it. */
  readonly manifest: Manifest | undefined;
  readonly version: string;
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly keyId: string;
  readonly installedAt: string;
  readonly state: StoredState;
  /** Address of the registry it came from; `undefined` for a file. */
  readonly registry: string | undefined;
  /** The development folder that it was built from; `undefined` for what somebody signed. */
  readonly developmentFolder: string | undefined;
  /** The range that somebody asked for; `undefined` for what came because others need it. */
  readonly askedRange: string | undefined;
}

/** Hears what is stored of a plugin now, and what was. */
export type FactsListener = (pluginId: string, before: StoredFacts | undefined, after: StoredFacts | undefined) => void;

/** A plugin as the host knows it, from the begin of its installation to the end of its erasure. */
export class PluginRecord {
  readonly id: string;
  readonly #events: EventSink;
  readonly #onFacts: FactsListener | undefined;
  #facts: StoredFacts | undefined;
  #state: PluginState = "available";
  #reason: string | undefined;
  /** What runs; nothing when the stored manifest cannot be used on this host. */
  release: InstalledPlugin | undefined;
  /** How often a process was lost to it since it was known here, whichever release ran. */
  losses = 0;

  constructor(id: string, events: EventSink, onFacts?: FactsListener) {
    this.id = id;
    this.#events = events;
    this.#onFacts = onFacts;
  }

  /** What is stored; nothing while the first release is being installed. */
  get facts(): StoredFacts | undefined {
    return this.#facts;
  }

  set facts(facts: StoredFacts | undefined) {
    const before = this.#facts;
    this.#facts = facts;
    this.#onFacts?.(this.id, before, facts);
  }

  get state(): PluginState {
    return this.#state;
  }

  /** Why it failed or is in quarantine. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** @throws HostError HOST_TRANSITION_ILLEGAL */
  verifyCan(verb: Verb): void {
    const [to] = TRANSITIONS[verb].to;
    verifyTransition(this.id, verb, this.#state, to);
  }

  /**
   * Goes to another state, and tells the embedding program.
   *
   * @throws HostError HOST_TRANSITION_ILLEGAL
   */
  apply(verb: Verb, to: PluginState, reason?: string): void {
    verifyTransition(this.id, verb, this.#state, to);
    const from = this.#state;
    this.#state = to;
    this.#reason = reason;
    this.#events.emit({
      kind: "state",
      pluginId: this.id,
      version: this.facts?.version,
      from,
      to,
      ...(reason !== undefined && { reason }),
    });
  }

  /**
   * The release that may be called.
   *
   * @throws HostError HOST_PLUGIN_NOT_ENABLED
   */
  callable(): InstalledPlugin {
    // During an update the release before goes on serving.
    const isOn = this.#state === "enabled" || (this.#state === "updating" && this.facts?.state === "enabled");
    if (isOn && this.release !== undefined) return this.release;
    const why = this.#reason === undefined ? "" : `: ${quote(this.#reason, 300)}`;
    throw new HostError("HOST_PLUGIN_NOT_ENABLED", `${this.id} is ${this.#state}${why}`, {
      details: { state: this.#state },
      ...(this.#state === "quarantined" && { hint: `Look into it, then release it: berth enable ${this.id}` }),
      ...(["installed", "disabled"].includes(this.#state) && { hint: `Switch it on: berth enable ${this.id}` }),
    });
  }
}
