/** One request as it goes out. Nothing that is not in here is sent, but what HTTP itself needs. */
export interface TransportRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Uint8Array>;
  /** Ends the request and the reading of its answer. */
  readonly signal: AbortSignal;
}

/** An answer whose body has not been read. Read it whole or discard it. */
export interface TransportAnswer {
  readonly status: number;
  /** A header's value by its lower-case name. */
  readonly header: (name: string) => string | undefined;
  readonly body: AsyncIterable<Uint8Array>;
  /** Drops the connection, and with it what is still under way. */
  readonly discard: () => void;
}

/**
 * Speaks HTTP and nothing else: follows no redirect, keeps no cookie, adds no header that tells who asks.
 * Rejects with the error of the connection.
 */
export type Transport = (request: TransportRequest) => Promise<TransportAnswer>;

/** What the client needs of the world beside the transport. */
export interface ClientPowers {
  readonly transport: Transport;
  /** A clock that never goes back, ms. */
  readonly clock: () => number;
  readonly now: () => Date;
  /** Evenly distributed from 0 to 1, for jitter. */
  readonly random: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}
