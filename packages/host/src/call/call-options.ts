import { quote } from "@berth/base";
import type { Permission } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { HostOptions } from "../host-options.ts";
import type { DataLabel } from "@berth/spec";

import type { CallScope } from "./calls.ts";

/** For whom a call is made, and until when it is wanted. */
export interface CallOptions<Caller> {
  readonly caller?: Caller;
  readonly signal?: AbortSignal;
  /**
   * Hears, before the call is settled, that its answer or error carries labelled data; not called when it does not.
   * The label tells where users agreed that the data may go: see the guide to services.
   */
  readonly onLabel?: (label: DataLabel) => void;
}

export interface KeyedCallOptions<Caller> extends CallOptions<Caller> {
  /**
   * Makes several calls of one intent one call, for 24 hours and within the caller's partition: the first one runs,
   * others wait for it or get its answer. 1 to 200 characters.
   */
  readonly idempotencyKey?: string;
}

/**
 * What the embedding program's own functions say of a caller. A caller that got lost on the way, and rights that are
 * none, are refused: taken for nobody, whom nothing limits, they would be allowed everything.
 *
 * @throws HostError HOST_CALLER_INVALID, HOST_PARTITION_INVALID
 */
export function scopeOf<Caller>(
  options: CallOptions<Caller>,
  { partitionOf, rightsOf }: Pick<HostOptions<Caller>, "partitionOf" | "rightsOf">,
): CallScope {
  const { caller, signal, onLabel } = options;
  if (caller === undefined && "caller" in options && (partitionOf ?? rightsOf) !== undefined)
    throw new HostError("HOST_CALLER_INVALID", "the call names a caller, which is undefined");
  if (caller === undefined) return { partition: undefined, callerRights: undefined, signal, onLabel };
  const partition: unknown = partitionOf?.(caller);
  // UTF-8 has one replacement for every half of a surrogate pair: two callers would share one storage.
  if (partition !== undefined && (typeof partition !== "string" || !partition.isWellFormed()))
    throw new HostError("HOST_PARTITION_INVALID", `the partition ${quote(partition)} is no well-formed text`);
  if (rightsOf === undefined) return { partition, callerRights: undefined, signal, onLabel };
  const callerRights: unknown = rightsOf(caller);
  if (!Array.isArray(callerRights))
    throw new HostError(
      "HOST_CALLER_INVALID",
      `expected the rights of a caller to be a list, found ${quote(callerRights)}`,
    );
  return { partition, callerRights: callerRights as Permission[], signal, onLabel };
}
