import type { Host } from "@berth/host";
import { HttpError, answerMalformed, makeToken } from "@berth/http";
import Fastify from "fastify";
import type { FastifyRequest } from "fastify";

import { HostHttpError } from "./errors.ts";
import { addHostApi, sendProblem, verifyHolder } from "./host-api.ts";

/** A host that answers on loopback. Whoever started it closes it, and then the host. */
export interface HostServer {
  /** With a slash at the end; the API's paths follow. */
  readonly url: string;
  /** What requests must carry. Made anew at every start. */
  readonly token: string;
  close(): Promise<void>;
}

/** The names under which programs of this machine reach a server on loopback. */
const LOOPBACK = /^(?:127\.0\.0\.1|localhost)(?::\d{1,5})?$/;

/** Serves a host's REST API on loopback; nothing else on the machine's network reaches it. */
export async function startHostServer(host: Host<string>, { port = 0 } = {}): Promise<HostServer> {
  const { token } = makeToken("berth_host_");
  const verify = (request: FastifyRequest): void => {
    verifyLoopback(request);
    verifyHolder(request, token);
  };
  const server = Fastify({
    logger: false,
    forceCloseConnections: true,
    requestTimeout: 0,
    // What is refused before there is a request for the hooks: paths that are no URLs or too long.
    frameworkErrors: (error, request, reply) => {
      try {
        verify(request);
        sendProblem(error, request, reply);
      } catch (refusal) {
        sendProblem(refusal, request, reply);
      }
    },
    clientErrorHandler: answerMalformed,
  });
  server.setErrorHandler(sendProblem);
  server.addHook("onRequest", async (request) => {
    verifyLoopback(request);
    if (!request.is404) return;
    // Here, since a handler comes after the body was read, which tells of itself: how large it may be, what is wrong with it.
    verify(request);
    throw new HttpError("HTTP_NOT_FOUND", "nothing is served here");
  });
  await server.register(async (scope) => addHostApi(scope, host, token), { prefix: "/api/v1" });
  const url = await server.listen({ host: "127.0.0.1", port });
  return { url: `${url}/api/v1/`, token, close: () => server.close() };
}

/**
 * A web page can point a name of its own at loopback; then its requests count as same-origin and some carry no
 * `Origin`, but they name that host.
 *
 * @throws HostHttpError HOST_API_BROWSER_REFUSED
 */
function verifyLoopback({ headers }: FastifyRequest): void {
  if (!LOOPBACK.test(headers.host ?? ""))
    throw new HostHttpError("HOST_API_BROWSER_REFUSED", "the request is for another host than loopback");
}
