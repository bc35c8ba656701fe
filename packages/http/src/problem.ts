import { isCodedError, reportOf, sanitize } from "@berth/base";
import type { ErrorKind } from "@berth/base";
import type { Problem } from "@berth/spec";

import type { HttpErrorCode } from "./errors.ts";

/** The media type of a problem (RFC 9457, section 3). */
export const PROBLEM_TYPE = "application/problem+json";

const STATUS_OF_KIND: Readonly<Record<ErrorKind, number>> = {
  usage: 400,
  input: 400,
  denied: 403,
  limit: 429,
  environment: 503,
  internal: 500,
};

/** Codes for which HTTP has a closer word than their kind gives. */
const STATUS_OF_HTTP_CODE: Readonly<Partial<Record<HttpErrorCode, number>>> = {
  HTTP_NOT_FOUND: 404,
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_BODY_INCOMPLETE: 408,
  HTTP_HEADERS_TOO_LARGE: 431,
  HTTP_REQUEST_INCOMPLETE: 408,
  HTTP_RANGE_INVALID: 416,
  HTTP_TOKEN_MISSING: 401,
  HTTP_TOKEN_INVALID: 401,
};

const MAX_DETAIL_LENGTH = 4_000;
const MAX_HINT_LENGTH = 1_000;

/** Turns errors into problem details. */
export type ProblemOf = (error: unknown) => Problem;

/**
 * Makes the translation for one server. `closer` gives the status of the server's own codes where that
 * of their kind says too little. Whatever is no coded error becomes `INTERNAL`, without its text.
 */
export function makeProblemOf(closer: Readonly<Record<string, number>> = {}): ProblemOf {
  const statuses = new Map([...Object.entries(STATUS_OF_HTTP_CODE), ...Object.entries(closer)]);
  return (error) => {
    const { code, message, hint, details } = reportOf(error);
    const kind = isCodedError(error) ? error.kind : "internal";
    return {
      type: `urn:berth:error:${code}`,
      title: titleOf(kind),
      status: statuses.get(code) ?? STATUS_OF_KIND[kind],
      detail: sanitizeLines(message, MAX_DETAIL_LENGTH),
      code,
      ...(hint !== undefined && { hint: sanitize(hint, MAX_HINT_LENGTH - 1) }),
      ...(details !== undefined && { details }),
    };
  };
}

/** Messages may have several lines; every line is made safe to show. */
const sanitizeLines = (text: string, maxLength: number): string =>
  text
    .split("\n")
    .map((line) => sanitize(line, maxLength))
    .join("\n")
    .slice(0, maxLength);

const titleOf = (kind: ErrorKind): string =>
  ({
    usage: "The request makes no sense here",
    input: "The request was refused",
    denied: "This is not allowed",
    limit: "A limit was reached",
    environment: "The server cannot do this at the moment",
    internal: "The server failed",
  })[kind];
