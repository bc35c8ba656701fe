import type { Agent as HttpAgent, IncomingMessage, RequestOptions } from "node:http";
import type { Agent as HttpsAgent } from "node:https";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import type { ClientPowers, Transport, TransportAnswer, TransportRequest } from "./transport.ts";

const MAX_SOCKETS = 8;
const MAX_HEADER_BYTES = 16_384;

/** The real world: node:http and node:https with connections kept open between requests. */
export function nodePowers(): ClientPowers & Disposable {
  // Loaded for whoever asks a registry: many programs that hold a client never do.
  const [http, https] = [process.getBuiltinModule("node:http"), process.getBuiltinModule("node:https")];
  const agents = {
    http: new http.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
    https: new https.Agent({ keepAlive: true, maxSockets: MAX_SOCKETS }),
  };
  const transport: Transport = (request) => send(request, agents);
  return {
    transport,
    clock: () => performance.now(),
    now: () => new Date(),
    random: Math.random,
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
    [Symbol.dispose]() {
      agents.http.destroy();
      agents.https.destroy();
    },
  };
}

function send(
  { method, url, headers, body, signal }: TransportRequest,
  agents: { readonly http: HttpAgent; readonly https: HttpsAgent },
): Promise<TransportAnswer> {
  const isSecure = url.protocol === "https:";
  const options: RequestOptions = {
    method,
    // Exactly these: node:http adds only `host`, `connection` and the framing of a body.
    headers: { ...headers, ...(body instanceof Uint8Array && { "content-length": String(body.length) }) },
    agent: isSecure ? agents.https : agents.http,
    maxHeaderSize: MAX_HEADER_BYTES,
    signal,
  };
  return new Promise((resolve, reject) => {
    const { request: begin } = process.getBuiltinModule(isSecure ? "node:https" : "node:http");
    const request = begin(url, options);
    request.once("error", reject);
    // A change of protocol (status 101) closes the connection with neither an error nor a response.
    request.once("close", () => reject(Object.assign(new Error("no answer came"), { code: "ECONNRESET" })));
    request.once("response", (answer) => resolve(answerOf(answer)));
    if (body === undefined || body instanceof Uint8Array) request.end(body);
    else {
      // What the source of the body throws ends the request, whose "error" tells it on.
      Readable.from(body)
        .on("error", (error) => request.destroy(error))
        .pipe(request);
    }
  });
}

function answerOf(answer: IncomingMessage): TransportAnswer {
  return {
    status: answer.statusCode ?? 0,
    header: (name) => {
      const value = answer.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: answer as AsyncIterable<Uint8Array>,
    discard: () => {
      // Whoever discards is not interested in how the connection ends.
      answer.on("error", () => undefined);
      answer.destroy();
    },
  };
}
