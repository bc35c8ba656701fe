import type { PluginCard } from "@berth/spec";

import type { SearchPosition, SearchResult } from "./run-search.ts";
import type { SearchRequest } from "./search-request.ts";

/** What the thread of the search index is asked. */
export type SearchTask =
  | { readonly kind: "search"; readonly request: SearchRequest; readonly from: SearchPosition }
  | { readonly kind: "put"; readonly cards: readonly PluginCard[]; readonly position?: number }
  | { readonly kind: "clear" }
  | { readonly kind: "optimize" }
  | { readonly kind: "close" };

export interface SearchMessage {
  readonly number: number;
  readonly task: SearchTask;
}

/** Number 0 is the answer to the start; it gives the position of the index. */
export interface SearchReply {
  readonly number: number;
  readonly position?: number;
  readonly result?: SearchResult;
  readonly error?: string;
}
