import { facetTest } from "./facets.ts";
import { both, filterExpression, without } from "./match-expression.ts";
import type { Filters, MatchExpression, QueryConditions } from "./match-expression.ts";
import type { Plan } from "./run-search.ts";
import { serialOf } from "./search-database.ts";
import type { SearchDatabase } from "./search-database.ts";
import { listTier, matchTier } from "./tier.ts";
import type { Tier } from "./tier.ts";

/** So many matches are taken out of the index at once, and put in order here. */
const FEW = 2_000;

const NO_FACETS = { category: [], capability: [], level: [], pricing: [] };

/**
 * The tiers of relevance: the exact name, then names, then tags, then texts, then beginnings of words; no
 * plugin is in two of them. Where few plugins match, they are fetched once and divided here; where many
 * do, each tier is read from the index and stops as soon as a page is full. Both divide in the same way,
 * so a page may be cut by the one and the next by the other.
 */
export function relevanceTiers(
  db: SearchDatabase,
  conditions: QueryConditions,
  filters: Filters,
  countLimit: number,
): Plan {
  const { exact, inName, inNameOrTags, anywhere } = conditions;
  const withBeginning = usefulBeginning(db, conditions);
  const expression = filterExpression(filters);
  // Tags are many and each is rare, so they narrow the index's own search; the rest is decided by facets.
  const byTag = filterExpression({ ...NO_FACETS, tag: filters.tag });
  const passes = facetTest(filters);
  const fetch = (condition: string): readonly number[] => db.match("by_rank", both(condition, byTag), 0, FEW + 1);
  const passing = (ids: readonly number[]): number[] => ids.filter((id) => passes(db.facetsOf(serialOf(id))));

  const found = fetch(anywhere);
  const exactTier = exact === undefined ? [] : [matchTier(db, "by_rank", both(exact, expression))];
  const exactIds = new Set(exact === undefined ? [] : db.match("by_rank", both(exact, expression), 0, FEW));
  /** Divides all matches, as they are at hand; `names` and `tags` hold those of them that are in these. */
  const divide = (whole: readonly number[], names: ReadonlySet<number>, tags: ReadonlySet<number>): Tier[] => {
    const rest = whole.filter((id) => !exactIds.has(id));
    return [
      ...exactTier,
      listTier(rest.filter((id) => names.has(id))),
      listTier(rest.filter((id) => tags.has(id) && !names.has(id))),
      listTier(rest.filter((id) => !tags.has(id))),
    ];
  };
  const beginningTier =
    withBeginning === undefined
      ? []
      : [matchTier(db, "by_rank", both(without(withBeginning, anywhere, exact), expression))];

  if (found.length > FEW) {
    const dense = passing(found);
    // What was fetched is often enough to reach the cap.
    const counted = dense.length >= countLimit ? dense : db.match("by_rank", both(anywhere, expression), 0, countLimit);
    if (counted.length < countLimit) {
      const within = (condition: MatchExpression): ReadonlySet<number> =>
        new Set(db.match("by_rank", both(condition, expression), 0, countLimit));
      return { tiers: [...divide(counted, within(inName), within(inNameOrTags)), ...beginningTier], counted };
    }
    const tier = (condition: MatchExpression): Tier => matchTier(db, "by_rank", both(condition, expression));
    return {
      tiers: [
        ...exactTier,
        tier(without(inName, exact)),
        tier(without(inNameOrTags, inName, exact)),
        tier(without(anywhere, inNameOrTags, exact)),
        ...beginningTier,
      ],
      counted,
    };
  }

  const whole = passing(found);
  const tiers = divide(whole, new Set(fetch(inName)), new Set(fetch(inNameOrTags)));
  if (withBeginning === undefined) return { tiers, counted: whole };
  const beginnings = fetch(withBeginning);
  if (beginnings.length > FEW) {
    const counted = db.match("by_rank", both(withBeginning, expression), 0, countLimit);
    return { tiers: [...tiers, ...beginningTier], counted };
  }
  const known = new Set(found);
  const further = passing(beginnings).filter((id) => !known.has(id) && !exactIds.has(id));
  return { tiers: [...tiers, listTier(further)], counted: [...whole, ...further].slice(0, countLimit) };
}

/**
 * A word that many plugins have is whole: whoever types it means it. The index would have to join the
 * lists of every word that begins with it, which for a common one is the costliest thing to ask.
 */
export function usefulBeginning(
  db: SearchDatabase,
  { withBeginning, lastWord }: QueryConditions,
): MatchExpression | undefined {
  return db.match("by_rank", lastWord, 0, FEW + 1).length > FEW ? undefined : withBeginning;
}
