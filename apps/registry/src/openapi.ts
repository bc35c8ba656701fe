import swagger from "@fastify/swagger";
import { problemSchema } from "@berth/spec";
import { jsonSchemaTransform } from "fastify-type-provider-zod";
import { z } from "zod";

import type { Server } from "./routes/server-type.ts";

/** Of the API; rises with every addition. */
const API_VERSION = "1.0.0";

/** Describes every route that is added afterwards; from the same schemas by which requests are checked. */
export async function describeApi(server: Server): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Berth registry",
        version: API_VERSION,
        description:
          "Errors are problem details (RFC 9457) with a stable code. Lists have cursors. Documents have entity tags.",
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
    },
    transform: jsonSchemaTransform,
    transformObject: (document) => {
      if (!("openapiObject" in document)) return document.swaggerObject;
      const { openapiObject } = document;
      const problem = {
        description: "What was refused or failed, and why",
        content: { "application/problem+json": { schema: z.toJSONSchema(problemSchema) } },
      };
      for (const item of Object.values(openapiObject.paths ?? {})) {
        for (const method of ["get", "post", "put", "delete"] as const) {
          const responses = item?.[method]?.responses;
          if (responses !== undefined) Object.assign(responses, { default: problem });
        }
      }
      return openapiObject;
    },
  });
}
