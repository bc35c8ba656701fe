import { HostError } from "../errors.ts";

/**
 * Where a plugin stands in a host.
 *
 * - `available`: known by its id only; nothing of it is stored
 * - `installing`, `updating`, `uninstalling`: under way; whoever kills the process finds the state before or after
 * - `installed`: stored, consented to, never enabled yet
 * - `enabled`: may be called; its code is loaded when first needed
 * - `disabled`: switched off by a person; grants and data stay
 * - `failed`: should run and cannot, on this machine, now; tried again at the next start or by enabling it
 * - `quarantined`: crashed again and again; only a person releases it
 */
export type PluginState =
  | "available"
  | "installing"
  | "installed"
  | "enabled"
  | "disabled"
  | "updating"
  | "uninstalling"
  | "failed"
  | "quarantined";

/** States that the database holds. `failed` is found out at each start. */
export type StoredState = "installed" | "enabled" | "disabled" | "quarantined";

interface Transition {
  readonly from: readonly PluginState[];
  readonly to: readonly PluginState[];
}

const RESTING = ["installed", "enabled", "disabled", "failed", "quarantined"] as const;

/** Every way from one state to another; there are no others. */
export const TRANSITIONS = {
  /** The host opens: as stored, or `failed` when it cannot run here. */
  restore: { from: ["available"], to: RESTING },
  beginInstall: { from: ["available"], to: ["installing"] },
  undoInstall: { from: ["installing"], to: ["available"] },
  finishInstall: { from: ["installing"], to: ["installed"] },
  enable: { from: ["installed", "disabled", "failed"], to: ["enabled"] },
  disable: { from: ["installed", "enabled", "failed"], to: ["disabled"] },
  fail: { from: ["enabled"], to: ["failed"] },
  quarantine: { from: ["enabled", "failed"], to: ["quarantined"] },
  release: { from: ["quarantined"], to: ["disabled"] },
  beginUpdate: { from: RESTING, to: ["updating"] },
  /** Done: as stored. Undone: as before. */
  endUpdate: { from: ["updating"], to: RESTING },
  beginUninstall: { from: RESTING, to: ["uninstalling"] },
  undoUninstall: { from: ["uninstalling"], to: RESTING },
  finishUninstall: { from: ["uninstalling"], to: ["available"] },
} as const satisfies Record<string, Transition>;

export type Verb = keyof typeof TRANSITIONS;

/** @throws HostError HOST_TRANSITION_ILLEGAL */
export function verifyTransition(pluginId: string, verb: Verb, from: PluginState, to: PluginState): void {
  const allowed: Transition = TRANSITIONS[verb];
  if (allowed.from.includes(from) && allowed.to.includes(to)) return;
  throw new HostError(
    "HOST_TRANSITION_ILLEGAL",
    `${pluginId} is ${from} and cannot become ${to} by "${verb}", which is for plugins that are ${allowed.from.join(", ")}`,
    { details: { state: from } },
  );
}
