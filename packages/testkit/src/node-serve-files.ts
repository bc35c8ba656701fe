import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Answers a request in place of the files; answers `false` to let the files speak after all. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse, path: string) => boolean | void;

/** A web server on loopback that serves files, and misbehaves on demand. */
export interface FileServer {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly requests: string[];
  /** Headers of every request, in order. */
  readonly headers: IncomingMessage["rawHeaders"][];
  /** Set to answer something else than the files. */
  misbehave: Misbehaviour | undefined;
  close(): Promise<void>;
}

/** Serves files as any web server would: with entity tags, and 304 for those who have them. */
export async function serveFiles(files: ReadonlyMap<string, Uint8Array>): Promise<FileServer> {
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? "/").slice(1).split("?")[0] ?? "");
    self.requests.push(path);
    self.headers.push(request.rawHeaders);
    if (self.misbehave !== undefined && self.misbehave(request, response, path) !== false) return;
    serve(request, response, files.get(path));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const self: FileServer = {
    url: `http://127.0.0.1:${port}/`,
    requests: [],
    headers: [],
    misbehave: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return self;
}

function serve(request: IncomingMessage, response: ServerResponse, bytes: Uint8Array | undefined): void {
  if (bytes === undefined) {
    response.writeHead(404, { "content-type": "text/html" }).end("<h1>Not found</h1>");
    return;
  }
  const etag = `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`;
  if (request.headers["if-none-match"] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  const type = request.url?.endsWith(".json") === true ? "application/json" : "application/octet-stream";
  response.writeHead(200, { "content-type": type, "content-length": bytes.length, etag }).end(bytes);
}
