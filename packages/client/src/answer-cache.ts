/** An answer that was kept, with the tag under which the registry knows it. */
export interface CachedAnswer {
  readonly etag: string;
  readonly body: Uint8Array;
}

/** Keeps answers between runs, so that an unchanged one is not sent again. Every use asks the registry first. */
export interface AnswerCache {
  /** `undefined` for what is missing, too old, damaged or for another address. */
  find(url: string): Promise<CachedAnswer | undefined>;
  /** Never fails: what cannot be kept is asked for again. */
  keep(url: string, answer: CachedAnswer): Promise<void>;
}
