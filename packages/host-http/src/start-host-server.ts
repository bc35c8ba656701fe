import type { Host } from "@berth/host";
import { makeToken } from "@berth/http";
import Fastify from "fastify";
import type { FastifyInstance } from "fastify";

import { HostHttpError } from "./errors.ts";
import { addHostApi } from "./host-api.ts";

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
  const server = Fastify({ logger: false, forceCloseConnections: true, requestTimeout: 0 });
  const serve = async (scope: FastifyInstance): Promise<void> => {
    // A web page can point a name of its own at loopback; then its requests count as same-origin and some
    // carry no `Origin`, but they name that host.
    scope.addHook("onRequest", async ({ headers }) => {
      if (!LOOPBACK.test(headers.host ?? ""))
        throw new HostHttpError("HOST_API_BROWSER_REFUSED", "the request is for another host than loopback");
    });
    addHostApi(scope, host, token);
  };
  await server.register(serve, { prefix: "/api/v1" });
  const url = await server.listen({ host: "127.0.0.1", port });
  return { url: `${url}/api/v1/`, token, close: () => server.close() };
}
