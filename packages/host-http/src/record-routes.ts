import type { Host } from "@berth/host";
import type { FastifyInstance } from "fastify";

import { bodyOf } from "./json-body.ts";
import type { IdParams } from "./json-body.ts";
import {
  journalQuerySchema,
  newBindingSchema,
  newKeySchema,
  newRegistryOf,
  newRegistrySchema,
  parseShape,
  pluginQuerySchema,
  statisticsQueryOf,
  statisticsQuerySchema,
} from "./request-shapes.ts";

/** What happened, and whom this host trusts and asks. */
export function addRecordRoutes(server: FastifyInstance, host: Host<string>): void {
  server.get(
    "/journal",
    { config: { about: "What was installed, granted, called and denied; newest first", query: journalQuerySchema } },
    async (request) => {
      const { plugin, before, limit } = parseShape(journalQuerySchema, request.query);
      return { entries: await host.journal({ pluginId: plugin, before, limit }) };
    },
  );
  server.get(
    "/statistics",
    { config: { about: "Calls by plugin and action", query: statisticsQuerySchema } },
    async (request) => ({
      actions: await host.statistics(statisticsQueryOf(parseShape(statisticsQuerySchema, request.query))),
    }),
  );
  server.get(
    "/usage",
    {
      config: {
        about: "What each plugin takes and stores, and the processes lost to it",
        query: statisticsQuerySchema,
      },
    },
    async (request) => ({
      plugins: await host.usage(statisticsQueryOf(parseShape(statisticsQuerySchema, request.query))),
    }),
  );
  server.get(
    "/running",
    {
      config: {
        about: "What runs now: processes, memory, calls under way and waiting, and losses since the host opened",
        query: pluginQuerySchema,
      },
    },
    async (request) => {
      const { plugin } = parseShape(pluginQuerySchema, request.query);
      const query = plugin === undefined ? {} : { pluginId: plugin };
      return { plugins: await host.running(query), processes: await host.processes(query) };
    },
  );

  server.get("/keys", { config: { about: "Keys that this host trusts, and for which publisher" } }, async () => ({
    keys: await host.trustedKeys(),
  }));
  server.post(
    "/keys",
    { config: { about: "Trusts a key for everything that a publisher signs", body: newKeySchema } },
    async (request) => {
      const { publisher, key } = bodyOf(newKeySchema, request);
      await host.trustKey(publisher, key);
      return { ok: true };
    },
  );

  server.get(
    "/registries",
    { config: { about: "Registries that this host asks, and which publisher belongs to which" } },
    async () => ({
      registries: await host.registries.list(),
      bindings: await host.registries.bindings(),
    }),
  );
  server.post("/registries", { config: { about: "Adds a registry", body: newRegistrySchema } }, (request) =>
    host.registries.add(newRegistryOf(bodyOf(newRegistrySchema, request))),
  );
  server.delete<IdParams>(
    "/registries/:id",
    { config: { about: "Removes a registry, by name or address" } },
    (request) => host.registries.remove(request.params.id),
  );
  server.put<IdParams>(
    "/publishers/:id/registry",
    { config: { about: "Binds a publisher to a registry", body: newBindingSchema } },
    (request) => host.registries.bind(request.params.id, bodyOf(newBindingSchema, request).registry),
  );
}
