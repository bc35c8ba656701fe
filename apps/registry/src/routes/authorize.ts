import { readBearer } from "@berth/http";
import type { Token, TokenScope } from "@berth/spec";
import type { FastifyRequest } from "fastify";

import { readToken, verifyScope } from "../catalogue/access.ts";
import type { Services } from "../services.ts";

/** The token that a request came with. @throws HttpError HTTP_TOKEN_MISSING, HTTP_TOKEN_INVALID */
export const authenticate = ({ db, now }: Services, request: FastifyRequest): Promise<Token> =>
  readToken(db, readBearer(request.headers.authorization), now());

/** @throws HttpError HTTP_TOKEN_MISSING, HTTP_TOKEN_INVALID, HTTP_TOKEN_SCOPE */
export async function authorize(
  services: Services,
  request: FastifyRequest,
  scope: TokenScope,
  what: { publisher: string; plugin?: string },
): Promise<Token> {
  const token = await authenticate(services, request);
  verifyScope(token, scope, what);
  return token;
}
