import { quote } from "@berth/base";
import type { Progress } from "@berth/sandbox";
import type { DataLabel, Permission } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { HostOptions } from "../host-options.ts";
import type { CallScope } from "./calls.ts";

/** For whom a call is made, and until when it is wanted. */
export interface CallOptions<Caller> {
  readonly caller?: Caller;
  readonly signal?: AbortSignal;
  /**
   * Hears how far the call has come, where its plugin tells; at most some twenty times a second, the latest report
   * wins, and none comes after the answer. A call that waits for another one with its key hears nothing.
   */
  readonly onProgress?: (progress: Progress) => void;
  /**
   * Hears that what follows carries labelled data: before the call is settled, and before any report or item that is
   * labelled. Again, with a narrower label, should the plugin have had more by then; not called when there is none.
   * The label tells where users agreed that the data may go: see the guide to services.
   */
  readonly onLabel?: (label: DataLabel) => void;
}

export interface KeyedCallOptions<Caller> extends CallOptions<Caller> {
  /**
   * Makes several calls of one intent one call, for 24 hours and within the caller's partition: the first one runs,
   * others wait for it or get its answer. 1 to 200 characters. Streams refuse it: their items are not kept.
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
  options: KeyedCallOptions<Caller>,
  { partitionOf, rightsOf }: Pick<HostOptions<Caller>, "partitionOf" | "rightsOf">,
): CallScope {
  const { caller, signal, onProgress, onLabel, idempotencyKey } = options;
  const heard = { signal, onProgress, onLabel, idempotencyKey };
  if (caller === undefined && "caller" in options && (partitionOf ?? rightsOf) !== undefined)
    throw new HostError("HOST_CALLER_INVALID", "the call names a caller, which is undefined");
  if (caller === undefined) return { partition: undefined, callerRights: undefined, ...heard };
  const partition: unknown = partitionOf?.(caller);
  // UTF-8 has one replacement for every half of a surrogate pair: two callers would share one storage.
  if (partition !== undefined && (typeof partition !== "string" || !partition.isWellFormed()))
    throw new HostError("HOST_PARTITION_INVALID", `the partition ${quote(partition)} is no well-formed text`);
  if (rightsOf === undefined) return { partition, callerRights: undefined, ...heard };
  const callerRights: unknown = rightsOf(caller);
  if (!Array.isArray(callerRights))
    throw new HostError(
      "HOST_CALLER_INVALID",
      `expected the rights of a caller to be a list, found ${quote(callerRights)}`,
    );
  return { partition, callerRights: callerRights as Permission[], ...heard };
}
