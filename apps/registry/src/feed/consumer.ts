import type { Change } from "@berth/spec";

/** Something derived from the catalogue that follows the change feed. */
export interface FeedConsumer {
  /** For logs. */
  readonly name: string;
  /** Sequence number up to which everything is taken in; it may lag behind the truth, never lead it. */
  readonly position: number;
  /** Takes changes in. Doing it twice is the same as once. */
  apply(changes: readonly Change[]): Promise<void>;
  /** Starts over from the catalogue as it is at sequence number `last`. */
  rebuild(last: number): Promise<void>;
}
