import { matchesEtag, readByteRange } from "@berth/http";
import type { FastifyReply, FastifyRequest } from "fastify";

import type { Served } from "../feed/document-cache.ts";

export const JSON_TYPE = "application/json; charset=utf-8";

/** Sends a document, or 304 where the reader has it. Readers ask again each time, which costs little. */
export function sendDocument(
  request: FastifyRequest,
  reply: FastifyReply,
  { body, etag, gzipped }: Served,
  type = JSON_TYPE,
): void {
  const isGzipped = gzipped !== undefined && /\bgzip\b/.test(request.headers["accept-encoding"] ?? "");
  // Other bytes need another tag (RFC 9110, section 8.8.3.3).
  const tag = isGzipped ? etag.replace(/"$/, '-gzip"') : etag;
  reply.header("etag", tag);
  reply.header("cache-control", "public, no-cache");
  if (gzipped !== undefined) reply.header("vary", "accept-encoding");
  if (matchesEtag(request.headers["if-none-match"], tag)) return void reply.code(304).send();
  reply.header("content-type", type);
  if (isGzipped) reply.header("content-encoding", "gzip");
  void reply.send(isGzipped ? gzipped : body);
}

/** Sends a file that never changes, whole or in part. Gives whether it was sent whole. */
export function sendFile(
  request: FastifyRequest,
  reply: FastifyReply,
  { bytes, digest, type }: { bytes: Uint8Array; digest: string; type: string },
): boolean {
  const etag = `"${digest.replace("sha256:", "")}"`;
  reply.header("etag", etag);
  reply.header("cache-control", "public, max-age=31536000, immutable");
  reply.header("accept-ranges", "bytes");
  if (matchesEtag(request.headers["if-none-match"], etag)) {
    void reply.code(304).send();
    return false;
  }
  reply.header("content-type", type);
  // RFC 9110, section 13.1.5: a part is sent only when it is a part of what the reader has.
  const condition = request.headers["if-range"];
  const isWanted = condition === undefined || condition === etag;
  const range = isWanted ? readByteRange(request.headers.range, bytes.length) : undefined;
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (range === undefined) {
    void reply.send(whole);
    return request.method === "GET";
  }
  const { first, last } = range;
  reply.header("content-range", `bytes ${first}-${last}/${bytes.length}`);
  void reply.code(206).send(whole.subarray(first, last + 1));
  return false;
}
