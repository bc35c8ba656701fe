import { explainDataLabel } from "@berth/spec";
import type { DataLabel } from "@berth/spec";

import { HostError } from "../errors.ts";

/**
 * What becomes of what a plugin hands to a method of a service.
 *
 * - `inward`: nothing leaves the compartment but the question, which nobody keeps
 * - `carries`: the service keeps the label with what it takes, and hands both on together
 * - `compares`: the service compares each destination with the label, by `verifyMayLeaveTo`
 * - `owner`: it goes to the embedding program, which must have said that it takes labelled data
 */
export type Sink = "inward" | "carries" | "compares" | "owner";

/**
 * Every method that may be asked by a compartment that is labelled. One that is not listed here refuses: whoever adds
 * a service says here what it is, or it gets nothing that is labelled.
 */
export const SINKS: ReadonlyMap<string, Sink> = new Map<string, Sink>([
  ["config.get", "inward"],
  ["events.publish", "carries"],
  ["files.list", "inward"],
  ["files.read", "inward"],
  ["network.fetch", "compares"],
  ["permissions.has", "inward"],
  ["plugins.call", "carries"],
  ["schedules.list", "inward"],
  ["secrets.reveal", "inward"],
  ["storage.batch", "carries"],
  ["storage.delete", "carries"],
  ["storage.get", "carries"],
  ["storage.list", "carries"],
  ["storage.put", "carries"],
  ["userData.create", "owner"],
  ["userData.delete", "owner"],
  ["userData.list", "inward"],
  ["userData.read", "inward"],
  ["userData.update", "owner"],
]);

/**
 * Refuses a method that would take labelled data where its label does not go.
 *
 * @throws HostError BROKER_LABEL_DENIED
 */
export function verifySink(method: string, label: DataLabel | undefined, ownerTakesLabelled: boolean): void {
  if (label === undefined) return;
  const sink = SINKS.get(method);
  if (sink === undefined) throw labelDenied(method, label, "this service keeps no labels");
  if (sink === "owner" && !ownerTakesLabelled)
    throw labelDenied(method, label, "the embedding program did not say that it takes labelled data");
}

/** The refusal of labelled data. */
export function labelDenied(method: string, label: DataLabel, why: string): HostError {
  return new HostError(
    "BROKER_LABEL_DENIED",
    `${method}: the call has had data that ${explainDataLabel(label)}, and ${why}`,
    { details: { mayLeaveTo: label.mayLeaveTo } },
  );
}
