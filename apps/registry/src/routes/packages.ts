import { HttpError } from "@berth/http";
import { publishedSchema } from "@berth/spec";
import type { Readable } from "node:stream";
import { z } from "zod";

import { publish } from "../publish/publish.ts";
import type { PublishOutcome } from "../publish/insert-release.ts";
import type { PublishRequest } from "../publish/publish.ts";
import { receiveUpload } from "../publish/receive-upload.ts";
import type { Services } from "../services.ts";
import { authorize } from "./authorize.ts";
import { PACKAGE_TYPE } from "./index-files.ts";
import { idPart, version } from "./parameters.ts";
import type { Server } from "./server-type.ts";

/** Publishing: the body is the package, received as a stream into a file of its own. */
export function addPackages(server: Server, services: Services): void {
  const { config, uploadFolder, follower, log } = services;
  const { maxPackageBytes: maxBytes, uploadStallMs: stallMs, uploadTotalMs: totalMs } = config;
  let uploads = 0;

  /** When it answers, the uploaded file is gone. */
  const publishUpload = async (body: Readable, release: Omit<PublishRequest, "path">): Promise<PublishOutcome> => {
    await using upload = await receiveUpload(body, uploadFolder, { maxBytes, stallMs, totalMs });
    return await publish(services, { ...release, path: upload.path });
  };

  // The stream itself is the body; nothing is read before the sender is known.
  const asStream = (_request: unknown, body: Readable, done: (error: null, body: Readable) => void): void =>
    done(null, body);
  for (const type of [PACKAGE_TYPE, "application/octet-stream"])
    server.addContentTypeParser(type, { bodyLimit: maxBytes }, asStream);

  server.put(
    "/api/v1/packages/:publisher/:name/:version",
    {
      bodyLimit: maxBytes,
      config: { rateLimit: { max: config.writesPerMinute, groupId: "writes" } },
      schema: {
        summary: "Publishes a release",
        tags: ["publishing"],
        security: [{ token: [] }],
        params: z.object({ publisher: idPart, name: idPart, version }),
        consumes: [PACKAGE_TYPE],
        response: { 200: publishedSchema, 201: publishedSchema },
      },
    },
    async (request, reply) => {
      const { publisher, name } = request.params;
      await authorize(services, request, "publish", { publisher, plugin: `${publisher}.${name}` });
      const body = request.body as Readable | undefined;
      if (typeof body?.pipe !== "function")
        throw new HttpError("HTTP_REQUEST_INVALID", `the body must be a package, of the type ${PACKAGE_TYPE}`);
      if (Number(request.headers["content-length"] ?? 0) > maxBytes)
        throw new HttpError("HTTP_BODY_TOO_LARGE", `the body has more than ${maxBytes} bytes`);
      if (uploads >= config.uploadsAtOnce)
        throw new HttpError("HTTP_BUSY", `${uploads} uploads are under way, which is all this server takes at once`);
      uploads += 1;
      try {
        const { isNew, published } = await publishUpload(body, request.params);
        await follower.catchUp();
        if (isNew) log.info({ plugin: published.id, version: published.version }, "published");
        return await reply.code(isNew ? 201 : 200).send(published);
      } finally {
        uploads -= 1;
      }
    },
  );
}
