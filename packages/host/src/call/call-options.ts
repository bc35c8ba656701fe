import { quote } from "@berth/base";
import type { Progress } from "@berth/sandbox";

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
}

export interface KeyedCallOptions<Caller> extends CallOptions<Caller> {
  /**
   * Makes several calls of one intent one call, for 24 hours and within the caller's partition: the first one runs,
   * others wait for it or get its answer. 1 to 200 characters.
   */
  readonly idempotencyKey?: string;
}

/**
 * What the embedding program's own functions say of a caller.
 *
 * @throws HostError HOST_PARTITION_INVALID
 */
export function scopeOf<Caller>(
  { caller, signal, onProgress }: CallOptions<Caller>,
  { partitionOf, rightsOf }: Pick<HostOptions<Caller>, "partitionOf" | "rightsOf">,
): CallScope {
  if (caller === undefined) return { partition: undefined, callerRights: undefined, signal, onProgress };
  const partition: unknown = partitionOf?.(caller);
  // UTF-8 has one replacement for every half of a surrogate pair: two callers would share one storage.
  if (partition !== undefined && (typeof partition !== "string" || !partition.isWellFormed()))
    throw new HostError("HOST_PARTITION_INVALID", `the partition ${quote(partition)} is no well-formed text`);
  return { partition, callerRights: rightsOf?.(caller), signal, onProgress };
}
