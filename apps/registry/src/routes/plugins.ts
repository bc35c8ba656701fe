import { pluginDetailSchema } from "@berth/spec";

import { readPluginDetail, readRelease, readShownRelease } from "../catalogue/documents.ts";
import { RegistryError } from "../errors.ts";
import { serve } from "../feed/document-cache.ts";
import type { Services } from "../services.ts";
import { pluginParameters, releaseParameters } from "./parameters.ts";
import { JSON_TYPE, sendDocument } from "./send.ts";
import type { Server } from "./server-type.ts";

/** Reading of one plugin. */
export function addPlugins(server: Server, { db, documents, files }: Services): void {
  server.get(
    "/api/v1/plugins/:id",
    {
      schema: {
        summary: "Everything a person reads before installing",
        tags: ["plugins"],
        params: pluginParameters,
        response: { 200: pluginDetailSchema },
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const read = async () => Buffer.from(JSON.stringify(await readPluginDetail(db, id)));
      sendDocument(request, reply, await documents.get("detail", id, read));
    },
  );

  server.get(
    "/api/v1/plugins/:id/releases/:version",
    {
      schema: {
        summary: "The manifest of a release, as it is in the package",
        tags: ["plugins"],
        params: releaseParameters,
        produces: ["application/json"],
      },
    },
    async (request, reply) => {
      const { id, version } = request.params;
      const read = async () => Buffer.from((await readRelease(db, id, version)).manifest);
      const served = await documents.getFixed("manifest", id, version, read);
      sendDocument(request, reply, served, JSON_TYPE);
    },
  );

  server.get(
    "/api/v1/plugins/:id/readme",
    {
      schema: {
        summary: "The readme of the release that lists show",
        tags: ["plugins"],
        params: pluginParameters,
        produces: ["text/markdown"],
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { version, readme_digest: digest } = await readShownRelease(db, id);
      if (digest === null) throw new RegistryError("REGISTRY_FILE_UNKNOWN", `${id} ${version} has no readme`);
      const served = serve(Buffer.from(await files.read(digest)));
      sendDocument(request, reply, served, "text/markdown; charset=utf-8");
    },
  );

  server.get(
    "/api/v1/plugins/:id/icon",
    {
      schema: {
        summary: "The icon of the release that lists show",
        tags: ["plugins"],
        params: pluginParameters,
        produces: ["image/png", "image/svg+xml"],
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      const { version, icon_digest: digest, icon_type: type } = await readShownRelease(db, id);
      if (digest === null || type === null)
        throw new RegistryError("REGISTRY_FILE_UNKNOWN", `${id} ${version} has no icon`);
      // A picture of a stranger's, served from our origin: it may draw, and nothing else.
      reply.header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox");
      const bytes = await files.read(digest);
      sendDocument(request, reply, serve(Buffer.from(bytes)), type);
    },
  );
}
