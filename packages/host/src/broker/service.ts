import { quote } from "@berth/base";
import type { ActionDeclaration, Permission, PermissionRequest } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { CallLabel } from "../labels/call-label.ts";
import type { RememberedEffects } from "./remembered-effects.ts";

/** All calls that one call of the embedding program, one event or one schedule led to. */
export interface CallTree {
  /** Calls from plugin to plugin under way. */
  underWay: number;
}

/** What a plugin may know of the event that it is called with. */
export interface EventFacts {
  readonly id: string;
  readonly topic: string;
  /** ISO instant. */
  readonly publishedAt: string;
  /** 1 for the first delivery. */
  readonly attempt: number;
}

/** How a call came about that the embedding program did not make itself. */
export interface CallOrigin {
  /** For the journal: who or what called. */
  readonly by: string;
  /** Plugins whose calls led here, outermost first. */
  readonly chain: readonly string[];
  /** The call whose rights limit this one too; `undefined` when its plugin may use the callee's rights. */
  readonly through: ServiceCall | undefined;
  /** When the call that led here ends, by `performance.now()`, ms. */
  readonly deadlineAt: number;
  readonly tree: CallTree;
  /** Events that led here, one handled after the other. */
  readonly hops: number;
  readonly event?: EventFacts;
}

/** What makes effects of a call recognizable when they are repeated. Only calls of `idempotent` actions have one. */
export interface EffectKey {
  /** The same whenever the same call is repeated. */
  readonly key: string;
  /** Whether the call may come again with this key: then the broker remembers its effects. */
  readonly isRepeatable: boolean;
  /** Equal requests of the call so far, by digest: the second of two is not a repetition of the first. */
  readonly seen: Map<string, number>;
  /** What happened so far of the call, in case the host itself repeats it. */
  readonly remembered: RememberedEffects;
}

/** What the broker knows of the call that a request belongs to. Nothing of it comes from the plugin. */
export interface ServiceCall {
  readonly pluginId: string;
  readonly version: string;
  /** What the release that runs asks for; another one may have taken its place meanwhile. */
  readonly permissions: readonly PermissionRequest[];
  readonly action: string;
  /** What the action promises; enforced, not believed. */
  readonly effect: ActionDeclaration["effect"];
  /** Whether other plugins may be in the process that asks. */
  readonly sharesProcess: boolean;
  /** The caller's partition, when the embedding program named one. */
  readonly partition: string | undefined;
  /** What the caller may do; `undefined`: the embedding program does not limit its callers. */
  readonly callerRights: readonly Permission[] | undefined;
  /** As in `CallOrigin`. */
  readonly chain: readonly string[];
  readonly through: ServiceCall | undefined;
  readonly deadlineAt: number;
  readonly tree: CallTree;
  readonly hops: number;
  readonly effectKey: EffectKey | undefined;
  /** What somebody allowed for this call only. */
  readonly grantedOnce: Permission[];
  /** Where what the plugin knows now may leave to. */
  readonly label: CallLabel;
  /** Fires when the call has ended: nothing goes on for it. Made when first asked for. */
  readonly signal: () => AbortSignal;
}

/** What a plugin asks a service for: one object, whose members are anything until they are checked. */
export type ServiceRequest = Readonly<Record<string, unknown>>;

/** One thing that a service does. */
export interface ServiceMethod {
  /**
   * Whether it changes anything that outlives the call: an action that is `pure` is refused it. `by-callee`: the
   * service looks itself.
   */
  readonly hasEffect: boolean | "by-callee";
  /**
   * Answers with a value that can cross, or throws a coded error, which the plugin sees. `effectKey` is the same when
   * the same effect of the same call is repeated.
   */
  readonly run: (call: ServiceCall, request: ServiceRequest, effectKey?: string) => Promise<unknown>;
}

/** One service behind the broker: `storage.put` reaches the service `storage` with the method `put`. */
export interface Service {
  readonly name: string;
  readonly methods: ReadonlyMap<string, ServiceMethod>;
  /** Lets go of everything that is held for a plugin, because it is no longer loaded. */
  release?(pluginId: string): void;
  /** Some right was taken back, from whomever: ends what goes on without one. */
  reconsider?(): void;
  /** Ends what goes on; resolves when nothing of it is left. */
  close?(): Promise<void>;
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
