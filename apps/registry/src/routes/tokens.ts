import { newTokenAnswerSchema, newTokenSchema, tokenListSchema } from "@berth/spec";
import { z } from "zod";

import { createToken, listTokens, revokeToken, verifyTokenRequest } from "../catalogue/access.ts";
import { readPublisher } from "../catalogue/publishers.ts";
import type { Services } from "../services.ts";
import { authenticate } from "./authorize.ts";
import type { Server } from "./server-type.ts";

/** Tokens. A secret is shown once, in the answer to its making. */
export function addTokens(server: Server, services: Services): void {
  const { db, now, config } = services;
  const writes = { config: { rateLimit: { max: config.writesPerMinute, groupId: "writes" } } };
  const tags = ["tokens"];
  const security = [{ token: [] }];

  server.post(
    "/api/v1/tokens",
    {
      ...writes,
      schema: {
        summary: "Makes a token",
        tags,
        security,
        body: newTokenSchema,
        response: { 201: newTokenAnswerSchema },
      },
    },
    async (request, reply) => {
      const maker = await authenticate(services, request);
      verifyTokenRequest(maker, request.body);
      if (request.body.publisher !== undefined) await readPublisher(db, request.body.publisher);
      return reply.code(201).send(await createToken(db, request.body, now()));
    },
  );

  server.get(
    "/api/v1/tokens",
    { schema: { summary: "Lists your tokens", tags, security, response: { 200: tokenListSchema } } },
    async (request) => ({ items: await listTokens(db, await authenticate(services, request), now()) }),
  );

  server.delete(
    "/api/v1/tokens/:id",
    {
      ...writes,
      schema: {
        summary: "Revokes a token",
        tags,
        security,
        params: z.object({ id: z.string().regex(/^[0-9a-f]{24}$/, "must be the id of a token") }),
        response: { 204: z.void() },
      },
    },
    async (request, reply) => {
      await revokeToken(db, await authenticate(services, request), request.params.id);
      return reply.code(204).send();
    },
  );
}
