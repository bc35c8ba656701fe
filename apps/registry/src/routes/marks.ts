import { pluginIndexSchema, publisherOf } from "@berth/spec";
import type { FastifyRequest } from "fastify";
import { z } from "zod";

import { readPluginIndex } from "../catalogue/documents.ts";
import { deprecate, undeprecate, unyank, yank } from "../catalogue/release-marks.ts";
import { writeCatalogue } from "../catalogue/write.ts";
import type { CatalogueWrite } from "../catalogue/write.ts";
import type { Services } from "../services.ts";
import { authorize } from "./authorize.ts";
import { pluginId, pluginParameters, releaseParameters } from "./parameters.ts";
import type { Server } from "./server-type.ts";

const yankBody = z.strictObject({ reason: z.string().min(1).max(500) });
const deprecationBody = z.strictObject({ message: z.string().min(1).max(500), replacement: pluginId.optional() });

/** Yanking and deprecating. Each answers with the plugin's index as it is afterwards. */
export function addMarks(server: Server, services: Services): void {
  const { db, now, follower, config } = services;
  const common = {
    config: { rateLimit: { max: config.writesPerMinute, groupId: "writes" } },
  };
  const schema = {
    tags: ["publishing"],
    security: [{ token: [] }],
    response: { 200: pluginIndexSchema },
  };

  async function change(request: FastifyRequest, id: string, work: (write: CatalogueWrite) => Promise<void>) {
    await authorize(services, request, "manage", { publisher: publisherOf(id), plugin: id });
    await writeCatalogue(db, now, work);
    await follower.catchUp();
    return readPluginIndex(db, id);
  }

  const yankUrl = "/api/v1/plugins/:id/releases/:version/yank";
  server.put(
    yankUrl,
    { ...common, schema: { ...schema, summary: "Yanks a release", params: releaseParameters, body: yankBody } },
    (request) =>
      change(request, request.params.id, (write) =>
        yank(write, request.params.id, request.params.version, request.body.reason),
      ),
  );
  server.delete(
    yankUrl,
    { ...common, schema: { ...schema, summary: "Takes the yank of a release back", params: releaseParameters } },
    (request) =>
      change(request, request.params.id, (write) => unyank(write, request.params.id, request.params.version)),
  );

  const releaseUrl = "/api/v1/plugins/:id/releases/:version/deprecation";
  server.put(
    releaseUrl,
    {
      ...common,
      schema: { ...schema, summary: "Deprecates a release", params: releaseParameters, body: deprecationBody },
    },
    (request) =>
      change(request, request.params.id, (write) =>
        deprecate(write, request.params.id, request.params.version, request.body),
      ),
  );
  server.delete(
    releaseUrl,
    { ...common, schema: { ...schema, summary: "Takes the deprecation of a release back", params: releaseParameters } },
    (request) =>
      change(request, request.params.id, (write) => undeprecate(write, request.params.id, request.params.version)),
  );

  const pluginUrl = "/api/v1/plugins/:id/deprecation";
  server.put(
    pluginUrl,
    {
      ...common,
      schema: { ...schema, summary: "Deprecates a plugin", params: pluginParameters, body: deprecationBody },
    },
    (request) =>
      change(request, request.params.id, (write) => deprecate(write, request.params.id, undefined, request.body)),
  );
  server.delete(
    pluginUrl,
    { ...common, schema: { ...schema, summary: "Takes the deprecation of a plugin back", params: pluginParameters } },
    (request) => change(request, request.params.id, (write) => undeprecate(write, request.params.id, undefined)),
  );
}
