import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

export const httpErrors = {
  HTTP_NOT_FOUND: {
    kind: "input",
    meaning: "Nothing is served at a path.",
    cause: "A mistake in the path, or a server of another version.",
    remedy: "Compare the path with the server's `/openapi.json`.",
  },
  HTTP_REQUEST_INVALID: {
    kind: "input",
    meaning: "A request is not one that the server understands.",
    cause: "A parameter or a member of the body is missing, unknown, of the wrong type or outside its limits.",
    remedy: "Correct what the message names; `/openapi.json` says what each request may hold.",
  },
  HTTP_BODY_TOO_LARGE: {
    kind: "input",
    meaning: "The body of a request is larger than the server reads.",
    cause: "Each request has a limit on its body.",
    remedy: "Send less; packages have at most 64 MiB.",
  },
  HTTP_BODY_INCOMPLETE: {
    kind: "input",
    meaning: "The body of a request ended early or came too slowly.",
    cause: "The connection broke, or the sender stalled.",
    remedy: "Send the request again. Nothing of it was kept.",
  },
  HTTP_HEADERS_TOO_LARGE: {
    kind: "input",
    meaning: "The headers of a request are larger than the server reads.",
    cause: "Headers and path have 16 KiB in all.",
    remedy: "Send fewer or shorter headers.",
  },
  HTTP_REQUEST_INCOMPLETE: {
    kind: "input",
    meaning: "A request did not come whole in time.",
    cause: "The connection stalled, or the sender opened it before it had something to send.",
    remedy: "Send the request again, on a new connection. Nothing of it was kept.",
  },
  HTTP_CURSOR_INVALID: {
    kind: "input",
    meaning: "A cursor does not belong to the query that it came with.",
    cause: "The cursor was cut or edited, or the query was changed between two pages.",
    remedy: "Start again without a cursor.",
  },
  HTTP_RANGE_INVALID: {
    kind: "input",
    meaning: "No byte of the file lies in the range that was asked for.",
    cause: "A download was resumed beyond the end of the file.",
    remedy: "Fetch the whole file.",
  },
  HTTP_TOKEN_MISSING: {
    kind: "denied",
    meaning: "A request needs a token and came without one.",
    cause: "There is no `Authorization: Bearer TOKEN` header.",
    remedy: "Send a token; the registry's operator or your publisher gives you one.",
  },
  HTTP_TOKEN_INVALID: {
    kind: "denied",
    meaning: "A token is not valid here.",
    cause: "It was cut, has expired, was revoked, or belongs to another server.",
    remedy: "Make a new token.",
  },
  HTTP_TOKEN_SCOPE: {
    kind: "denied",
    meaning: "A token is valid, but not for what was asked.",
    cause: "Tokens work for the scopes, the publisher and the plugins that they were made for.",
    remedy: "Use a token with the scope that the message names.",
  },
  HTTP_RATE_LIMITED: {
    kind: "limit",
    meaning: "Too many requests came from one place.",
    cause: "The server's limit for this kind of request was reached.",
    remedy: "Wait for the seconds that the header `retry-after` gives.",
  },
  HTTP_BUSY: {
    kind: "environment",
    meaning: "The server has more to do than it takes on at once, or is stopping.",
    cause: "Many large uploads at the same time, or a restart.",
    remedy: "Repeat the request after the seconds that `retry-after` gives.",
  },
} as const satisfies Record<string, ErrorRow>;

export type HttpErrorCode = keyof typeof httpErrors;

/** Refusals that any of Berth's servers may answer. */
export class HttpError extends CodedError<HttpErrorCode> {
  constructor(code: HttpErrorCode, message: string, extras?: ErrorExtras) {
    super(httpErrors, code, message, extras);
  }
}
