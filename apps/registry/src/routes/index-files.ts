import { quote } from "@berth/base";
import { packageFileName, isVersion, pluginIndexSchema, registryInfoSchema } from "@berth/spec";
import { z } from "zod";

import { readPluginIndex, readRelease } from "../catalogue/documents.ts";
import { RegistryError } from "../errors.ts";
import { serve } from "../feed/document-cache.ts";
import type { Services } from "../services.ts";
import { idPart } from "./parameters.ts";
import { sendDocument, sendFile } from "./send.ts";
import type { Server } from "./server-type.ts";

export const PACKAGE_TYPE = "application/vnd.berth.package";

/** The static files, at the paths where any other web server has them. */
export function addIndexFiles(server: Server, services: Services): void {
  const { db, documents, files, downloads, info } = services;
  const servedInfo = serve(Buffer.from(JSON.stringify(info)));
  for (const url of ["/index/registry.json", "/api/v1/registry"]) {
    server.get(
      url,
      { schema: { summary: "What kind of server this is", tags: ["index"], response: { 200: registryInfoSchema } } },
      (request, reply) => sendDocument(request, reply, servedInfo),
    );
  }

  const pluginFile = z.object({
    publisher: idPart,
    file: z
      .string()
      .max(69)
      .regex(/\.json$/, "must end in .json")
      .transform((text) => text.slice(0, -5))
      .pipe(idPart),
  });
  server.get(
    "/index/plugins/:publisher/:file",
    {
      schema: {
        summary: "Every release of one plugin",
        tags: ["index"],
        params: pluginFile,
        response: { 200: pluginIndexSchema },
      },
    },
    async (request, reply) => {
      const id = `${request.params.publisher}.${request.params.file}`;
      const read = async () => Buffer.from(JSON.stringify(await readPluginIndex(db, id)));
      sendDocument(request, reply, await documents.get("index", id, read));
    },
  );

  server.get(
    "/packages/:publisher/:name/:file",
    {
      schema: {
        summary: "A package",
        tags: ["index"],
        params: z.object({ publisher: idPart, name: idPart, file: z.string().max(220) }),
        produces: [PACKAGE_TYPE],
      },
    },
    async (request, reply) => {
      const { publisher, name, file } = request.params;
      const id = `${publisher}.${name}`;
      const version = file.slice(id.length + 1, -".berth".length);
      if (!isVersion(version) || packageFileName(id, version) !== file)
        throw new RegistryError("REGISTRY_FILE_UNKNOWN", `there is no package file ${quote(file)} of ${id}`);
      const { body } = await documents.getFixed("digest", id, version, () => readDigest(db, id, version));
      const digest = body.toString();
      const bytes = await files.read(digest);
      if (sendFile(request, reply, { bytes, digest, type: PACKAGE_TYPE })) downloads.count(id, version);
    },
  );
}

const readDigest = async (db: Services["db"], id: string, version: string): Promise<Buffer> =>
  Buffer.from((await readRelease(db, id, version)).file_digest);
