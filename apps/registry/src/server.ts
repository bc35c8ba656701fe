import rateLimit from "@fastify/rate-limit";
import { quote } from "@berth/base";
import { HttpError, answerMalformed } from "@berth/http";
import Fastify from "fastify";
import { serializerCompiler, validatorCompiler } from "fastify-type-provider-zod";
import type { ZodTypeProvider } from "fastify-type-provider-zod";

import { describeApi } from "./openapi.ts";
import { addChanges } from "./routes/changes.ts";
import { addHealth } from "./routes/health.ts";
import { addIndexFiles } from "./routes/index-files.ts";
import { addMarks } from "./routes/marks.ts";
import { addPages } from "./routes/pages.ts";
import { addPackages } from "./routes/packages.ts";
import { addPlugins } from "./routes/plugins.ts";
import { sendProblem } from "./routes/problems.ts";
import { addPublishers } from "./routes/publishers.ts";
import { addSearch } from "./routes/search.ts";
import type { Server } from "./routes/server-type.ts";
import { addTokens } from "./routes/tokens.ts";
import type { Services } from "./services.ts";

const MAX_BODY_BYTES = 65_536;
/** Longer than any path that names something here. */
const MAX_PARAMETER_LENGTH = 220;

/** Builds the HTTP server; it listens to nothing yet. */
export async function makeServer(services: Services): Promise<Server> {
  const { config, log } = services;
  const server = Fastify({
    bodyLimit: MAX_BODY_BYTES,
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    requestTimeout: config.uploadTotalMs + config.uploadStallMs,
    connectionTimeout: 0,
    keepAliveTimeout: 65_000,
    forceCloseConnections: "idle",
    trustProxy: config.trustedProxies === undefined ? false : config.trustedProxies.split(","),
    logger: false,
    // What is refused before there is a route: paths that are no URLs or too long, bytes that are no HTTP.
    frameworkErrors: (error, request, reply) => sendProblem(log, error, request, reply),
    clientErrorHandler: answerMalformed,
  }).withTypeProvider<ZodTypeProvider>();
  server.setValidatorCompiler(validatorCompiler);
  server.setSerializerCompiler(serializerCompiler);
  // JSON is the only kind of text that is taken; forms and plain text are refused.
  server.removeContentTypeParser("text/plain");

  server.setErrorHandler((error, request, reply) => sendProblem(log, error, request, reply));

  await server.register(rateLimit, {
    max: config.readsPerMinute,
    timeWindow: 60_000,
    enableDraftSpec: true,
    // Addresses live here for a minute at most, in memory, and nowhere else.
    cache: 50_000,
    errorResponseBuilder: (_request, { max, after }) =>
      new HttpError(
        "HTTP_RATE_LIMITED",
        `more than ${max} requests of this kind came in a minute; try again in ${after}`,
      ),
  });
  const limited = { preHandler: server.rateLimit() };
  server.setNotFoundHandler(limited, (request) => {
    throw new HttpError("HTTP_NOT_FOUND", `nothing is served at ${request.method} ${quote(request.url)}`);
  });
  server.addHook("onRequest", (_request, reply, done) => {
    reply.header("x-content-type-options", "nosniff");
    done();
  });
  if (log.isLevelEnabled("debug")) {
    server.addHook("onResponse", async (request, reply) => {
      // The route's pattern, not its path: what somebody looked for is nobody's business.
      const { method, routeOptions } = request;
      log.debug(
        { method, route: routeOptions.url, status: reply.statusCode, ms: Math.round(reply.elapsedTime) },
        "answered",
      );
    });
  }

  await describeApi(server);
  addHealth(server, services);
  addIndexFiles(server, services);
  addSearch(server, services);
  addPlugins(server, services);
  addPackages(server, services);
  addMarks(server, services);
  addPublishers(server, services);
  addTokens(server, services);
  addChanges(server, services);
  addPages(server, services);
  return server;
}
