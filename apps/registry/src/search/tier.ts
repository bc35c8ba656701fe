import type { MatchExpression } from "./match-expression.ts";
import type { SearchDatabase } from "./search-database.ts";

/** A piece of a result: ids of matches in order. A page is read from as many of them as it takes. */
export interface Tier {
  /** At most `limit` ids after a place in this tier; 0 is its beginning. */
  read(after: number, limit: number): readonly number[];
  /** The place after the ids that were read from `after` on. */
  advance(after: number, ids: readonly number[]): number;
}

/** Matches of an expression in the order of a table. */
export const matchTier = (db: SearchDatabase, table: "by_rank" | "by_update", expression: MatchExpression): Tier => ({
  read: (after, limit) => db.match(table, expression, after, limit),
  advance: (after, ids) => ids.at(-1) ?? after,
});

/** Ids that are at hand, in ascending order. */
export const listTier = (sorted: readonly number[]): Tier => ({
  read(after, limit) {
    const start = sorted.findIndex((id) => id > after);
    return start < 0 ? [] : sorted.slice(start, start + limit);
  },
  advance: (after, ids) => ids.at(-1) ?? after,
});
