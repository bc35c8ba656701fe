import { createHash } from "node:crypto";

import { canonicalJson } from "@berth/base";
import { formatCursor, parseCursor } from "@berth/http";
import { searchPageSchema, searchQuerySchema } from "@berth/spec";

import type { SearchPosition, SearchResult } from "../search/run-search.ts";
import { searchRequestOf } from "../search/search-request.ts";
import type { SearchRequest } from "../search/search-request.ts";
import type { Services } from "../services.ts";
import { JSON_TYPE } from "./send.ts";
import type { Server } from "./server-type.ts";

/** Lists and searches. Nothing of a query is logged or kept. */
export function addSearch(server: Server, { search, config }: Services): void {
  server.get(
    "/api/v1/plugins",
    {
      config: { rateLimit: { max: config.searchesPerMinute, groupId: "searches" } },
      schema: {
        summary: "Lists and searches plugins",
        tags: ["plugins"],
        querystring: searchQuerySchema,
        response: { 200: searchPageSchema },
      },
    },
    async (request, reply) => {
      const asked = searchRequestOf(request.query);
      const result = await search.search(asked, positionOf(request.query.cursor, asked));
      // Cards are kept as the JSON that goes out; taking them apart again would be most of the work.
      reply.header("content-type", JSON_TYPE).header("cache-control", "public, max-age=10");
      void reply.send(Buffer.from(pageOf(result, asked)) as never);
    },
  );
}

/** A page as JSON. */
function pageOf({ cards, next, total, facets }: SearchResult, asked: SearchRequest): string {
  const tail = {
    ...(next !== undefined && { next: formatNext(next, asked) }),
    total,
    facets,
  };
  return `{"items":[${cards.join(",")}],${JSON.stringify(tail).slice(1)}`;
}

/** The cursor of the page that starts there. */
export const formatNext = ({ tier, after }: SearchPosition, asked: SearchRequest): string =>
  formatCursor(digestOf(asked), [tier, after]);

/** Where a page starts. @throws HttpError HTTP_CURSOR_INVALID */
export function positionOf(cursor: string | undefined, asked: SearchRequest): SearchPosition {
  if (cursor === undefined) return { tier: 0, after: 0 };
  const [tier = 0, after = 0] = parseCursor(cursor, digestOf(asked), 2);
  return { tier, after };
}

/** Names a query: a cursor goes on in the query that it was made for. */
const digestOf = ({ text, filters, sort }: SearchRequest): string =>
  createHash("sha256")
    .update(canonicalJson([text, { ...filters }, sort]))
    .digest("base64url")
    .slice(0, 16);
