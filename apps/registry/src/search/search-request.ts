import { quote } from "@berth/base";
import { HttpError } from "@berth/http";
import { CAPABILITIES, CATEGORIES, PRICING_MODELS, SECURITY_LEVELS, isIdPart } from "@berth/spec";
import type { SearchQuery, SearchSort } from "@berth/spec";

import type { Filters } from "./match-expression.ts";

/** A search that was checked: every filter names something that exists. */
export interface SearchRequest {
  readonly text: string;
  readonly filters: Filters;
  readonly sort: SearchSort;
  readonly limit: number;
}

const MAX_VALUES = 20;

/** @throws HttpError HTTP_REQUEST_INVALID */
export function searchRequestOf(query: SearchQuery): SearchRequest {
  const list = (name: keyof Filters, isKnown: (value: string) => boolean): string[] => {
    const values = [...new Set((query[name] ?? "").split(",").filter((value) => value !== ""))];
    const wrong = values.find((value) => !isKnown(value));
    if (wrong !== undefined)
      throw new HttpError("HTTP_REQUEST_INVALID", `${name}: there is no ${name} ${quote(wrong)}`);
    if (values.length > MAX_VALUES)
      throw new HttpError("HTTP_REQUEST_INVALID", `${name}: at most ${MAX_VALUES} values, found ${values.length}`);
    return values;
  };
  const oneOf =
    (known: readonly string[]) =>
    (value: string): boolean =>
      known.includes(value);
  return {
    text: (query.q ?? "").trim(),
    filters: {
      category: list("category", oneOf(CATEGORIES)),
      tag: list("tag", isIdPart),
      capability: list("capability", oneOf(CAPABILITIES)),
      level: list("level", oneOf(SECURITY_LEVELS)),
      pricing: list("pricing", oneOf(PRICING_MODELS)),
    },
    sort: query.sort,
    limit: query.limit,
  };
}
