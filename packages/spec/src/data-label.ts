import { canonicalJson } from "@berth/base";

import { coversHosts } from "./lattice.ts";

/** What clings to data of a user's: hosts that it may be sent to, as patterns of `user_data_access`. None: nowhere. */
export interface DataLabel {
  /** Sorted; no pattern stands beside one that covers it. */
  readonly mayLeaveTo: readonly string[];
}

/** Data that may not leave this host. */
export const NOWHERE: DataLabel = Object.freeze({ mayLeaveTo: Object.freeze([]) });

/** The label of data that may leave to some hosts. */
export function makeDataLabel(mayLeaveTo: readonly string[]): DataLabel {
  const patterns = [...new Set(mayLeaveTo)];
  const widest = patterns.filter(
    (pattern) => !patterns.some((other) => other !== pattern && coversHosts([other], [pattern])),
  );
  return { mayLeaveTo: widest.toSorted() };
}

/**
 * The label of data from both sources: it may leave where both may. Two patterns have no host in common unless one
 * covers the other, so what is left is exact.
 */
export function meetLabels(a: DataLabel, b: DataLabel): DataLabel {
  const within = (inner: DataLabel, outer: DataLabel): string[] =>
    inner.mayLeaveTo.filter((pattern) => coversHosts(outer.mayLeaveTo, [pattern]));
  return makeDataLabel([...within(a, b), ...within(b, a)]);
}

/** Whether data may be sent to a host, named as a URL names it. */
export function mayLeaveTo(label: DataLabel, host: string): boolean {
  // A pattern is no host: the one that covers it must not pass for an answer about a single machine.
  return !host.includes("*") && coversHosts(label.mayLeaveTo, [host]);
}

/** Equal labels have equal text. */
export function formatDataLabel({ mayLeaveTo: hosts }: DataLabel): string {
  return canonicalJson({ mayLeaveTo: [...hosts] });
}

/** Reads what `formatDataLabel` wrote; anything else is the strictest label: what cannot be read may not leave. */
export function readDataLabel(text: string): DataLabel {
  try {
    const { mayLeaveTo: hosts } = JSON.parse(text) as { mayLeaveTo?: unknown };
    if (Array.isArray(hosts) && hosts.every((host): host is string => typeof host === "string"))
      return makeDataLabel(hosts);
  } catch {
    return NOWHERE; // Not JSON, or no object.
  }
  return NOWHERE;
}

/** A label for people: `may leave to api.example.com`. */
export function explainDataLabel({ mayLeaveTo: hosts }: DataLabel): string {
  return hosts.length === 0 ? "may not leave this host" : `may leave to ${hosts.join(", ")} only`;
}
