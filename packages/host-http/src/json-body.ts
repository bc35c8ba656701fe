import { HttpError } from "@berth/http";
import type { FastifyRequest } from "fastify";
import type { z } from "zod";

import { parseShape } from "./request-shapes.ts";

export type IdParams = { Params: { id: string } };
export type NamedParams = { Params: { id: string; name: string } };

/** Decisions, lockfiles among them, are parsed on the thread of the host; values of actions go another way. */
const MAX_DECISION_BYTES = 4_194_304;

/** What a request carried; nothing is parsed before a route asks for it. */
export const bytesOf = ({ body }: Pick<FastifyRequest, "body">): Uint8Array =>
  body instanceof Uint8Array ? body : new Uint8Array(0);

/** @throws HttpError HTTP_REQUEST_INVALID, HTTP_BODY_TOO_LARGE */
export function jsonOf(request: Pick<FastifyRequest, "body">): unknown {
  const bytes = bytesOf(request);
  if (bytes.length > MAX_DECISION_BYTES)
    throw new HttpError("HTTP_BODY_TOO_LARGE", `expected at most ${MAX_DECISION_BYTES} bytes, found ${bytes.length}`);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HttpError("HTTP_REQUEST_INVALID", "the body must be JSON");
  }
}

/** @throws HttpError HTTP_REQUEST_INVALID, HTTP_BODY_TOO_LARGE */
export function bodyOf<Schema extends z.ZodType>(
  schema: Schema,
  request: Pick<FastifyRequest, "body">,
): z.output<Schema> {
  return parseShape(schema, jsonOf(request));
}
