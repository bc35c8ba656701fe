import { HttpError } from "./errors.ts";

/**
 * The token of an `Authorization` header (RFC 6750, section 2.1).
 *
 * @throws HttpError HTTP_TOKEN_MISSING
 */
export function readBearer(header: string | undefined): string {
  const [scheme, token, rest] = (header ?? "").split(" ", 3);
  if (scheme?.toLowerCase() !== "bearer" || token === undefined || token === "" || rest !== undefined)
    throw new HttpError("HTTP_TOKEN_MISSING", "the request needs a header `Authorization: Bearer TOKEN`");
  return token;
}
