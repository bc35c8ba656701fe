import { problemSchema } from "@berth/spec";
import type { FastifyInstance } from "fastify";
import { z } from "zod";

/** Of the API; rises with every addition. */
const API_VERSION = "1.2.0";
const ANSWERED = "application/json";

type Members = Record<string, unknown>;

/**
 * Describes every route that is added afterwards, and serves the description; from the same schemas by which
 * requests are checked.
 */
export function describeRoutes(server: FastifyInstance): void {
  const paths: Record<string, Members> = {};
  server.addHook("onRoute", ({ method, url, prefix, config }) => {
    if (method === "HEAD") return;
    if (config?.about === undefined) throw new Error(`the route ${url} does not say what it is about`);
    const path = url.slice(prefix.length).replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [String(method).toLowerCase()]: operationOf(path, config) };
  });
  server.get("/openapi.json", { config: { about: "This description" } }, () => ({
    openapi: "3.1.0",
    info: {
      title: "Berth host",
      version: API_VERSION,
      description:
        "For programs of the machine. Errors are problem details (RFC 9457) with a stable code and its kind.",
    },
    components: {
      securitySchemes: { token: { type: "http", scheme: "bearer", description: "From host-api.json" } },
    },
    security: [{ token: [] }],
    paths,
  }));
}

/** What a route tells of itself. */
export interface RouteAbout {
  /** In a few words. Every route has it. */
  about?: string;
  body?: z.ZodType;
  query?: z.ZodType;
  /** What optional headers mean, by name. */
  headers?: Readonly<Record<string, string>>;
  /** Media type of a body that is not JSON. */
  bodyType?: string;
  /** Other media types in which it answers, beside or in place of JSON. */
  answers?: readonly string[];
}

function operationOf(
  path: string,
  { about, body, query, headers = {}, bodyType, answers = [ANSWERED], isOpen }: RouteAbout & { isOpen?: boolean },
): Members {
  const { properties = {}, required = [] } = (query === undefined ? {} : schemaOf(query)) as {
    properties?: Members;
    required?: readonly string[];
  };
  const takesBody = body !== undefined || bodyType !== undefined;
  return {
    summary: about,
    ...(isOpen === true && { security: [] }),
    parameters: [
      ...Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => ({
        name,
        in: "path",
        required: true,
        schema: { type: "string" },
      })),
      ...Object.entries(properties).map(([name, schema]) => ({
        name,
        in: "query",
        required: required.includes(name),
        schema,
      })),
      ...Object.entries(headers).map(([name, description]) => ({
        name,
        in: "header",
        required: false,
        description,
        schema: { type: "string" },
      })),
    ],
    ...(takesBody && {
      requestBody: {
        required: true,
        content: { [bodyType ?? "application/json"]: body === undefined ? {} : { schema: schemaOf(body) } },
      },
    }),
    responses: {
      "200": { description: "Done", content: Object.fromEntries(answers.map((type) => [type, {}])) },
      default: {
        description: "What was refused or failed, and why",
        content: { "application/problem+json": { schema: schemaOf(problemSchema) } },
      },
    },
  };
}

const schemaOf = (schema: z.ZodType): unknown => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });

declare module "fastify" {
  interface FastifyContextConfig extends RouteAbout {
    /** Answered without a token. */
    isOpen?: boolean;
  }
}
