import { isCodedError } from "@berth/base";
import { HttpError, PROBLEM_TYPE, makeProblemOf } from "@berth/http";
import type { FastifyError, FastifyReply, FastifyRequest } from "fastify";
import { hasZodFastifySchemaValidationErrors } from "fastify-type-provider-zod";
import type { Logger } from "pino";

import { registryStatuses } from "../errors.ts";

const problemOf = makeProblemOf(registryStatuses);

/** Answers with what went wrong, and logs what the server is to blame for. */
export function sendProblem(log: Logger, error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(codedErrorOf(error as FastifyError));
  if (problem.status >= 500) log.error({ err: error, route: request.routeOptions.url }, "a request failed");
  if (problem.status === 401) reply.header("www-authenticate", "Bearer");
  if (problem.status === 503) reply.header("retry-after", "5");
  // The rest of a refused upload is not worth reading.
  if (request.method === "PUT" && !request.raw.complete) reply.header("connection", "close");
  reply.removeHeader("cache-control").removeHeader("etag");
  void reply.code(problem.status).header("content-type", PROBLEM_TYPE).serializer(JSON.stringify).send(problem);
}

/** What the framework refuses, in our codes; everything else as it is. */
function codedErrorOf(error: FastifyError): unknown {
  if (isCodedError(error)) return error;
  if (hasZodFastifySchemaValidationErrors(error)) {
    const faults = error.validation.slice(0, 10).map(({ instancePath, message }) => {
      const where = instancePath.replace(/^\//, "").replaceAll("/", ".");
      return `${where === "" ? (error.validationContext ?? "request") : where}: ${message ?? "is wrong"}`;
    });
    return new HttpError("HTTP_REQUEST_INVALID", faults.join("; "));
  }
  const status = error.statusCode ?? 500;
  if (status === 413) return new HttpError("HTTP_BODY_TOO_LARGE", "the body is larger than this request may have");
  if (status >= 400 && status < 500) return new HttpError("HTTP_REQUEST_INVALID", error.message);
  return error;
}
