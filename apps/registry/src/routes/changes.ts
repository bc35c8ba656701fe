import { changePageSchema } from "@berth/spec";
import { z } from "zod";

import { lastSequence, readChanges } from "../catalogue/change-feed.ts";
import type { Services } from "../services.ts";
import type { Server } from "./server-type.ts";

const query = z.strictObject({
  after: z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).default(0),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

/** The change feed: what every mirror, index and update check reads. */
export function addChanges(server: Server, { db }: Services): void {
  server.get(
    "/api/v1/changes",
    {
      schema: {
        summary: "What changed after a sequence number",
        tags: ["changes"],
        querystring: query,
        response: { 200: changePageSchema },
      },
    },
    async (request) => {
      const { after, limit } = request.query;
      // Read first: a change that comes in between is on the next page, never lost.
      const last = await lastSequence(db);
      return { items: await readChanges(db, after, limit), last };
    },
  );
}
