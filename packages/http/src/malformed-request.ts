import { HttpError } from "./errors.ts";
import { PROBLEM_TYPE, makeProblemOf } from "./problem.ts";

/** What a connection is answered and ended through. */
export interface AnswerableSocket {
  readonly writable: boolean;
  end(text: string): unknown;
  destroy(): unknown;
}

const problemOf = makeProblemOf();

/** What goes by these codes of Node is a request, as far as it came. */
const CAUSES: Readonly<Record<string, readonly [HttpError, string]>> = {
  HPE_HEADER_OVERFLOW: [
    new HttpError("HTTP_HEADERS_TOO_LARGE", "the headers are larger than the server reads"),
    "Request Header Fields Too Large",
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [
    new HttpError("HTTP_REQUEST_INCOMPLETE", "the request did not come whole in time"),
    "Request Timeout",
  ],
};
const MALFORMED = [new HttpError("HTTP_REQUEST_INVALID", "the bytes are no HTTP request"), "Bad Request"] as const;

/**
 * Answers what became no request, of which there is no request or reply to speak of, and ends the connection: bytes that
 * are no HTTP, headers that are too large, and what did not come in time.
 *
 * @param error as a server's `clientError` tells it
 */
export function answerMalformed({ code = "" }: { readonly code?: string }, socket: AnswerableSocket): void {
  if (!socket.writable) return void socket.destroy();
  const [error, words] = (Object.hasOwn(CAUSES, code) ? CAUSES[code] : undefined) ?? MALFORMED;
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${words}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${body.length}`,
    "connection: close",
  ];
  socket.end(`${head.join("\r\n")}\r\n\r\n${body}`);
}
