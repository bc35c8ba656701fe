import type { PluginCard } from "@berth/spec";
import { searchQuerySchema } from "@berth/spec";
import type { FastifyReply } from "fastify";
import { z } from "zod";

import { cataloguePage } from "../pages/catalogue-page.ts";
import { PAGE_POLICY } from "../pages/layout.ts";
import { referencePage } from "../pages/reference-page.ts";
import { searchRequestOf } from "../search/search-request.ts";
import type { Services } from "../services.ts";
import { formatNext, positionOf } from "./search.ts";
import type { Server } from "./server-type.ts";

const hidden = { schema: { hide: true } };

/** Pages for people. */
export function addPages(server: Server, { search, config, info }: Services): void {
  const searches = { config: { rateLimit: { max: config.searchesPerMinute, groupId: "searches" } } };

  server.get(
    "/",
    {
      ...searches,
      schema: {
        hide: true,
        querystring: z.object({ q: z.string().max(400).default(""), cursor: z.string().max(500).optional() }),
      },
    },
    async (request, reply) => {
      const { q, cursor } = request.query;
      const asked = searchRequestOf(searchQuerySchema.parse({ q }));
      const { cards, next, total } = await search.search(asked, positionOf(cursor, asked));
      return sendPage(
        reply,
        cataloguePage({
          repository: info.repository,
          text: asked.text,
          cards: cards.map((card) => JSON.parse(card) as PluginCard),
          total,
          ...(next !== undefined && { next: formatNext(next, asked) }),
        }),
      );
    },
  );

  server.get("/openapi.json", hidden, (_request, reply) => reply.send(server.swagger()));
  let reference: string | undefined;
  server.get("/reference", hidden, (_request, reply) =>
    sendPage(reply, (reference ??= referencePage(server.swagger()))),
  );
}

const sendPage = (reply: FastifyReply, page: string): FastifyReply =>
  reply
    .header("content-type", "text/html; charset=utf-8")
    .header("content-security-policy", PAGE_POLICY)
    .header("referrer-policy", "no-referrer")
    .send(page);
