import { isCodedError } from "@berth/base";
import type { ErrorKind } from "@berth/base";
import type { Host } from "@berth/host";
import { HttpError, PROBLEM_TYPE, hashToken, makeProblemOf, readBearer } from "@berth/http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";

import { HostHttpError } from "./errors.ts";
import { addInstallRoutes } from "./install-routes.ts";
import { describeRoutes } from "./openapi.ts";
import { addPluginRoutes } from "./plugin-routes.ts";
import { proofOf } from "./proof.ts";
import { addRecordRoutes } from "./record-routes.ts";
import { proofQuerySchema } from "./request-shapes.ts";
import { addRightsRoutes } from "./rights-routes.ts";

const MAX_VALUE_BYTES = 64 * 1_048_576;

const problemOf = makeProblemOf({
  HOST_API_PLAN_UNKNOWN: 404,
  HOST_API_PACKAGE_UNKNOWN: 404,
  HOST_PLUGIN_UNKNOWN: 404,
});

/**
 * Adds the host's REST API below the prefix at which it is registered. Whoever holds the token may do
 * everything that the embedding program may.
 */
export function addHostApi(server: FastifyInstance, host: Host<string>, token: string): void {
  server.removeAllContentTypeParsers();
  // Parsing a large value would stall everybody; the host does it in a worker.
  server.addContentTypeParser(
    ["application/json", "application/octet-stream"],
    { parseAs: "buffer", bodyLimit: MAX_VALUE_BYTES },
    (_request, body, done) => done(null, body),
  );
  server.setErrorHandler(sendProblem);
  server.setNotFoundHandler(() => {
    throw new HttpError("HTTP_NOT_FOUND", "nothing is served here");
  });
  const tokenHash = hashToken(token);
  server.addHook("onRequest", async (request) => {
    verifyNoPage(request);
    if (request.routeOptions.config.isOpen !== true) verifyToken(request, tokenHash);
  });

  describeRoutes(server);
  server.get<{ Querystring: { challenge?: string } }>(
    "/host",
    {
      config: {
        isOpen: true,
        about: "Shows that this host holds the token, without telling it",
        query: proofQuerySchema,
      },
    },
    (request) => ({
      pid: process.pid,
      proof: proofOf(token, String(request.query.challenge ?? "").slice(0, 200)),
    }),
  );
  addRecordRoutes(server, host);
  addInstallRoutes(server, host);
  addPluginRoutes(server, host, shownProblem);
  addRightsRoutes(server, host);
}

/** @throws HostHttpError HOST_API_BROWSER_REFUSED */
function verifyNoPage({ headers }: FastifyRequest): void {
  if (headers.origin !== undefined)
    throw new HostHttpError("HOST_API_BROWSER_REFUSED", "a web page may not speak to this host");
}

/** @throws HttpError HTTP_TOKEN_MISSING, HTTP_TOKEN_INVALID */
function verifyToken({ headers }: FastifyRequest, tokenHash: string): void {
  // Digests are compared, so the time that it takes says nothing about the token.
  if (hashToken(readBearer(headers.authorization)) !== tokenHash)
    throw new HttpError("HTTP_TOKEN_INVALID", "the token is not the one of this host");
}

/**
 * For what reaches no route, where nothing is open.
 *
 * @throws HostHttpError HOST_API_BROWSER_REFUSED, HttpError HTTP_TOKEN_MISSING, HTTP_TOKEN_INVALID
 */
export function verifyHolder(request: FastifyRequest, token: string): void {
  verifyNoPage(request);
  verifyToken(request, hashToken(token));
}

export function sendProblem(error: unknown, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = shownProblem(error);
  return reply.code(problem.status).header("content-type", PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}

function shownProblem(error: unknown): ReturnType<typeof problemOf> & { readonly kind: ErrorKind } {
  const coded = codedErrorOf(error as FastifyError);
  // The kind is what exit codes follow from, and the status alone does not tell it.
  return { ...problemOf(coded), kind: isCodedError(coded) ? coded.kind : "internal" };
}

/** What the framework refuses, in our codes; everything else as it is. */
function codedErrorOf(error: FastifyError): unknown {
  if (isCodedError(error)) return error;
  if (error.statusCode === 413) return new HttpError("HTTP_BODY_TOO_LARGE", "the body is larger than 64 MiB");
  if (error.statusCode !== undefined && error.statusCode < 500)
    return new HttpError("HTTP_REQUEST_INVALID", error.message);
  return error;
}
