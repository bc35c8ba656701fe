import { PRICING_MODELS } from "@berth/spec";
import type { SearchPage } from "@berth/spec";

import { countFacets } from "./facets.ts";
import { anyOf, both, conditionsOf, facetWord, filterExpression } from "./match-expression.ts";
import type { MatchExpression } from "./match-expression.ts";
import { relevanceTiers, usefulBeginning } from "./relevance-tiers.ts";
import { serialOf } from "./search-database.ts";
import type { SearchDatabase } from "./search-database.ts";
import type { SearchRequest } from "./search-request.ts";
import { matchTier } from "./tier.ts";
import type { Tier } from "./tier.ts";

/** Counting stops here; the answer says so. */
export const COUNT_CAP = 1_000;
/** So many paid plugins are put in the order of their prices; the most used ones, where there are more. */
const PRICED_CAP = 2_000;

/** Where a page starts: in which tier, and after which id; in the tier of prices, after how many. */
export interface SearchPosition {
  readonly tier: number;
  readonly after: number;
}

/** One page, cards as the JSON that goes out. */
export interface SearchResult {
  readonly cards: readonly string[];
  readonly next?: SearchPosition;
  readonly total: SearchPage["total"];
  readonly facets: SearchPage["facets"];
}

/** What a query comes to: its pieces in order, and ids of what matches, one more than is counted. */
export interface Plan {
  readonly tiers: readonly Tier[];
  readonly counted: readonly number[];
}

/** Runs a search. Cost is bounded by page and caps rather than by how many plugins match. */
export function runSearch(db: SearchDatabase, request: SearchRequest, from: SearchPosition): SearchResult {
  const { tiers, counted } = planOf(db, request);
  const serials: number[] = [];
  let next: SearchPosition | undefined;
  let { after } = from;
  for (let tier = from.tier; tier < tiers.length && next === undefined; tier += 1, after = 0) {
    const { read, advance } = tiers[tier] as Tier;
    const wanted = request.limit - serials.length;
    // One more than the page has room for tells whether there is a next one.
    const ids = read(after, wanted + 1);
    const taken = ids.slice(0, wanted);
    serials.push(...taken.map(serialOf));
    if (ids.length > wanted) next = { tier, after: advance(after, taken) };
  }
  const card = db.prepare("SELECT card FROM plugins WHERE serial = ?");
  return {
    cards: serials.map((serial) => (card.get(serial) as { card: string }).card),
    ...(next !== undefined && { next }),
    total: { count: Math.min(counted.length, COUNT_CAP), isCapped: counted.length > COUNT_CAP },
    facets: countFacets(counted.slice(0, COUNT_CAP).map((id) => db.facetsOf(serialOf(id)))),
  };
}

function planOf(db: SearchDatabase, request: SearchRequest): Plan {
  const { text, sort } = request;
  const filters = filterExpression(request.filters);
  if (text === "") return browsePlan(db, request, filters);
  const conditions = conditionsOf(text);
  if (conditions === undefined) return { tiers: [], counted: [] };
  if (sort === "relevance") return relevanceTiers(db, conditions, request.filters, COUNT_CAP + 1);
  const { anywhere } = conditions;
  const withBeginning = usefulBeginning(db, conditions);
  // Beginnings of words only where no plugin has the whole words.
  const hasWhole = withBeginning === undefined || db.match("by_rank", both(anywhere, filters), 0, 1).length > 0;
  const expression = both(hasWhole ? anywhere : withBeginning, filters);
  return { tiers: sortedTiers(db, sort, expression), counted: db.match("by_rank", expression, 0, COUNT_CAP + 1) };
}

/** Everything, or everything that the filters let through. */
function browsePlan(db: SearchDatabase, { sort }: SearchRequest, expression: MatchExpression | undefined): Plan {
  const column = sort === "updated" ? "update_id" : "rank_id";
  const allTier: Tier = {
    read: (after, limit) => db.readAll(column, after, limit),
    advance: (after, ids) => ids.at(-1) ?? after,
  };
  if (expression === undefined) {
    const tiers = sort === "price" ? priceTiers(db, undefined) : [allTier];
    return { tiers, counted: db.readAll("rank_id", 0, COUNT_CAP + 1) };
  }
  return { tiers: sortedTiers(db, sort, expression), counted: db.match("by_rank", expression, 0, COUNT_CAP + 1) };
}

function sortedTiers(db: SearchDatabase, sort: SearchRequest["sort"], expression: MatchExpression): Tier[] {
  if (sort === "price") return priceTiers(db, expression);
  return [matchTier(db, sort === "updated" ? "by_update" : "by_rank", expression)];
}

/** Free ones first, the most used first; then the paid ones by price. */
function priceTiers(db: SearchDatabase, expression: MatchExpression | undefined): Tier[] {
  const isFree = anyOf([facetWord("pricing", "free")]);
  const hasPrice = anyOf(
    PRICING_MODELS.filter((model) => model !== "free").map((model) => facetWord("pricing", model)),
  );
  return [
    matchTier(db, "by_rank", both(expression, isFree)),
    {
      read: (after, limit) =>
        db
          .match("by_rank", both(expression, hasPrice), 0, PRICED_CAP)
          .map((id) => ({ id, price: db.priceOf(serialOf(id)) }))
          .toSorted((a, b) => a.price - b.price || a.id - b.id)
          .slice(after, after + limit)
          .map(({ id }) => id),
      advance: (after, ids) => after + ids.length,
    },
  ];
}
