import { quote } from "@berth/base";
import type { ActionDeclaration, Permission } from "@berth/spec";

import { HostError } from "../errors.ts";

/** What the broker knows of the call that a request belongs to. Nothing of it comes from the plugin. */
export interface ServiceCall {
  readonly pluginId: string;
  readonly version: string;
  readonly action: string;
  /** What the action promises; enforced, not believed. */
  readonly effect: ActionDeclaration["effect"];
  /** Whether other plugins may be in the process that asks. */
  readonly sharesProcess: boolean;
  /** The caller's partition, when the embedding program named one. */
  readonly partition: string | undefined;
  /** What the caller may do; `undefined`: the embedding program does not limit its callers. */
  readonly callerRights: readonly Permission[] | undefined;
  /** What somebody allowed for this call only. */
  readonly grantedOnce: Permission[];
  /** Fires when the call has ended: nothing goes on for it. Made when first asked for. */
  readonly signal: () => AbortSignal;
}

/** What a plugin asks a service for: one object, whose members are anything until they are checked. */
export type ServiceRequest = Readonly<Record<string, unknown>>;

/** One thing that a service does. */
export interface ServiceMethod {
  /** Whether it changes anything that outlives the call: an action that is `pure` is refused it. */
  readonly hasEffect: boolean;
  /** Answers with a value that can cross, or throws a coded error, which the plugin sees. */
  readonly run: (call: ServiceCall, request: ServiceRequest) => Promise<unknown>;
}

/** One service behind the broker: `storage.put` reaches the service `storage` with the method `put`. */
export interface Service {
  readonly name: string;
  readonly methods: ReadonlyMap<string, ServiceMethod>;
  /** Lets go of everything that is held for a plugin, because it is no longer loaded. */
  release?(pluginId: string): void;
}

/** Methods that only look, and methods that change something, as a service's table. */
export function methodTable(
  looking: Readonly<Record<string, ServiceMethod["run"]>>,
  changing: Readonly<Record<string, ServiceMethod["run"]>>,
): ReadonlyMap<string, ServiceMethod> {
  const table = new Map<string, ServiceMethod>();
  for (const [name, run] of Object.entries(looking)) table.set(name, { hasEffect: false, run });
  for (const [name, run] of Object.entries(changing)) table.set(name, { hasEffect: true, run });
  return table;
}

/** The refusal of a request that is not well-formed. */
export function requestInvalid(method: string, what: string): HostError {
  return new HostError("BROKER_REQUEST_INVALID", `${method}: ${what}`);
}

/** A text that names something: 1 to `max` characters, well-formed, without NUL. */
export function nameOf(method: string, request: ServiceRequest, member: string, max: number): string {
  const value = request[member];
  const isName =
    typeof value === "string" &&
    value.length > 0 &&
    value.length <= max &&
    value.isWellFormed() &&
    !value.includes("\0");
  if (isName) return value;
  throw requestInvalid(
    method,
    `expected ${quote(member)} to be a text of 1 to ${max} characters, found ${quote(value)}`,
  );
}
