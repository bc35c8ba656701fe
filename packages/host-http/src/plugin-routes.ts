import { Readable } from "node:stream";

import type { Host } from "@berth/host";
import { formatDataLabel } from "@berth/spec";
import type { FastifyInstance } from "fastify";

import { LINES_TYPE, sendLines } from "./action-lines.ts";
import { DATA_LABEL_HEADER } from "./data-label-header.ts";
import { goneSignal } from "./gone-signal.ts";
import { bodyOf, bytesOf } from "./json-body.ts";
import type { IdParams } from "./json-body.ts";
import { callQuerySchema, newSettingsSchema, newStateSchema, parseShape, pluginQuerySchema } from "./request-shapes.ts";

/** One plugin: its calls, whether it runs, its settings, and what it stored. */
export function addPluginRoutes(
  server: FastifyInstance,
  host: Host<string>,
  shownProblem: (error: unknown) => object,
): void {
  server.post<{ Params: { id: string; action: string } }>(
    "/plugins/:id/actions/:action",
    {
      config: {
        about:
          "Runs an action; its input and its answer are JSON. To whoever accepts lines it tells progress and items",
        query: callQuerySchema,
        headers: { "Idempotency-Key": "Makes calls with equal keys and bodies one call, for 24 hours" },
        bodyType: "application/json",
        answers: ["application/json", LINES_TYPE],
      },
    },
    async (request, reply) => {
      const { id, action } = request.params;
      const { user } = parseShape(callQuerySchema, request.query);
      const idempotencyKey = readIdempotencyKey(request.headers["idempotency-key"]);
      if (acceptsLines(request.headers.accept)) {
        const asked = { id, action, input: bytesOf(request), caller: user, idempotencyKey, signal: goneSignal(reply) };
        await sendLines(reply, host, asked, shownProblem);
        return reply;
      }
      const answer = await host.callBytes(id, action, bytesOf(request), {
        signal: goneSignal(reply),
        // Also when the call fails: an error tells of data as an answer does.
        onLabel: (label) => void reply.header(DATA_LABEL_HEADER, formatDataLabel(label)),
        ...(user !== undefined && { caller: user }),
        ...(idempotencyKey !== undefined && { idempotencyKey }),
      });
      return reply.type("application/json").send(Buffer.from(answer));
    },
  );

  server.put<IdParams>(
    "/plugins/:id/state",
    { config: { about: "Switches a plugin on or off", body: newStateSchema } },
    (request) => {
      const { state } = bodyOf(newStateSchema, request);
      return state === "enabled" ? host.enable(request.params.id) : host.disable(request.params.id);
    },
  );
  server.put<IdParams>(
    "/plugins/:id/instance",
    { config: { about: "Starts a plugin ahead of its first call" } },
    async ({ params }) => {
      await host.load(params.id);
      return { ok: true };
    },
  );
  server.delete<IdParams>(
    "/plugins/:id/instance",
    { config: { about: "Ends a plugin's running instances; its next call starts afresh" } },
    async ({ params }) => {
      await host.unload(params.id);
      return { ok: true };
    },
  );

  server.get<IdParams>(
    "/plugins/:id/config",
    { config: { about: "The settings that a plugin sees" } },
    async ({ params }) => ({ value: await host.config(params.id) }),
  );
  server.put<IdParams>(
    "/plugins/:id/config",
    { config: { about: "Sets what the operator decides for a plugin", body: newSettingsSchema } },
    async (request) => {
      await host.setConfig(request.params.id, bodyOf(newSettingsSchema, request).value);
      return { ok: true };
    },
  );
  server.get(
    "/schedules",
    { config: { about: "When actions run by themselves", query: pluginQuerySchema } },
    async (request) => ({ schedules: await host.schedules(parseShape(pluginQuerySchema, request.query).plugin) }),
  );

  server.get<IdParams>("/plugins/:id/erasure", { config: { about: "What uninstalling would erase" } }, ({ params }) =>
    host.previewUninstall(params.id),
  );
  server.get<IdParams>(
    "/plugins/:id/data",
    { config: { about: "Everything that a plugin stored, line by line", answers: [LINES_TYPE] } },
    ({ params }, reply) => {
      // Asked for as it is taken. What fails on the way breaks the connection: half of it must not look like the whole.
      const lines = Readable.from(host.exportData(params.id), { highWaterMark: 16 });
      return reply.type(LINES_TYPE).send(lines);
    },
  );
}

/** A program that takes lines says so by name: whoever takes anything gets one answer. */
const acceptsLines = (accept: string | undefined): boolean =>
  accept?.split(",").some((type) => type.split(";")[0]?.trim().toLowerCase() === LINES_TYPE) === true;

/** A text as of a structured header, in quotes, or as it is; the host says which keys it takes. */
function readIdempotencyKey(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header.join(", ") : header;
  return text !== undefined && text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
