import type { ErrorReport } from "@berth/base";
import type { EndReason } from "@berth/sandbox";

import type { PluginState } from "./lifecycle/transitions.ts";
import type { AlertRule } from "./statistics/alert-rule.ts";

/** What happens in a host without being the answer to anybody. `at`: ISO instant. */
export type HostEvent =
  /** A plugin went from one state to another. Every transition is told, in order. */
  | {
      readonly kind: "state";
      readonly at: string;
      readonly pluginId: string;
      readonly version: string | undefined;
      readonly from: PluginState;
      readonly to: PluginState;
      readonly reason?: string;
    }
  /** A rule of `HostOptions.alerts` holds for a plugin. Told once, until it no longer holds. */
  | {
      readonly kind: "alert";
      readonly at: string;
      readonly pluginId: string;
      readonly rule: AlertRule;
      readonly value: number;
    }
  /** The rule does not hold any more, or the plugin is gone. */
  | { readonly kind: "alert-over"; readonly at: string; readonly pluginId: string; readonly rule: AlertRule }
  /** A sandbox host ended that plugins were in. `atWork`: those with a call or load under way. */
  | {
      readonly kind: "process-lost";
      readonly at: string;
      readonly reason: EndReason;
      readonly pluginIds: readonly string[];
      readonly atWork: readonly string[];
      /** What it said last on standard error, sanitized. */
      readonly lastWords: string;
    }
  /**
   * `suspect`: a process crashed with several plugins in it, and this one was at work; it runs alone for a while.
   * `hibernated`: nobody called it, and nothing of it runs any more. `woken`: somebody did.
   */
  | { readonly kind: "suspect" | "hibernated" | "woken"; readonly at: string; readonly pluginId: string }
  /** The operator changed a plugin's settings. `changed`: members that are not what they were, by name. */
  | {
      readonly kind: "config";
      readonly at: string;
      readonly pluginId: string;
      readonly changed: readonly string[];
    }
  /**
   * A development folder was built: `found` waits for consent, `reloaded` took over from the code before,
   * `unchanged` is what runs already, `failed` tells why not; what ran before goes on.
   */
  | {
      readonly kind: "development";
      readonly at: string;
      /** Real path of the folder. */
      readonly path: string;
      readonly what: "found" | "unchanged" | "reloaded" | "failed";
      readonly pluginId?: string;
      readonly version?: string;
      readonly contentDigest?: string;
      readonly error?: ErrorReport;
    }
  /** Something that nobody waits for did not work, such as writing the journal to a full disk. It is tried again. */
  | {
      readonly kind: "fault";
      readonly at: string;
      readonly what: "journal" | "statistics" | "cleanup" | "quarantine" | "event" | "schedule" | "user-data";
      readonly error: ErrorReport;
    };

/** Tells the embedding program, after the work at hand: what it throws is its own and must not end up in the middle of ours. */
export class EventSink {
  readonly #listener: ((event: HostEvent) => void) | undefined;
  readonly #now: () => Date;

  constructor(listener: ((event: HostEvent) => void) | undefined, now: () => Date) {
    this.#listener = listener;
    this.#now = now;
  }

  emit(event: WithoutTime<HostEvent>): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    const timed = { ...event, at: this.#now().toISOString() };
    queueMicrotask(() => listener(timed));
  }
}

type WithoutTime<Event> = Event extends unknown ? Omit<Event, "at"> : never;
