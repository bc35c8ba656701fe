import { sql } from "kysely";
import { z } from "zod";

import type { Services } from "../services.ts";
import type { Server } from "./server-type.ts";

const state = z.object({ ok: z.boolean(), problems: z.array(z.string()) });

/** For whoever supervises the process. */
export function addHealth(server: Server, { db, follower, log }: Services): void {
  const quiet = { config: { rateLimit: false as const } };
  server.get(
    "/health",
    { ...quiet, schema: { summary: "Whether the process answers", tags: ["operation"], response: { 200: state } } },
    () => ({ ok: true, problems: [] }),
  );
  server.get(
    "/ready",
    {
      ...quiet,
      schema: { summary: "Whether requests can be served", tags: ["operation"], response: { 200: state, 503: state } },
    },
    async (_request, reply) => {
      const problems = follower.late.map((name) => `the ${name} is behind`);
      try {
        await sql`SELECT 1`.execute(db);
      } catch (error) {
        log.error({ err: error }, "the database does not answer");
        problems.push("the database does not answer");
      }
      return reply.code(problems.length === 0 ? 200 : 503).send({ ok: problems.length === 0, problems });
    },
  );
}
