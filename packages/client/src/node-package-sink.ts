import { createHash } from "node:crypto";

import { ClientError } from "./errors.ts";

/**
 * Takes in a package file whose length and digest are known beforehand, and nothing else: the first byte
 * too many ends it. Memory for it is taken as bytes come, so an announced length alone costs nothing.
 *
 * @throws ClientError CLIENT_LENGTH_WRONG, CLIENT_DIGEST_WRONG
 */
export async function collectPackage(
  body: AsyncIterable<Uint8Array>,
  { fileSize, fileDigest }: { readonly fileSize: number; readonly fileDigest: string },
  { what, onBytes }: { readonly what: string; readonly onBytes?: ((count: number) => void) | undefined },
): Promise<Uint8Array> {
  const hash = createHash("sha256");
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body) {
    size += part.length;
    if (size > fileSize) throw lengthWrong(what, fileSize, "more");
    hash.update(part);
    parts.push(part);
    onBytes?.(part.length);
  }
  if (size < fileSize) throw lengthWrong(what, fileSize, `${size}`);
  const found = `sha256:${hash.digest("hex")}`;
  if (found !== fileDigest) {
    throw new ClientError("CLIENT_DIGEST_WRONG", `${what}: the file has ${found}, the index announces ${fileDigest}`);
  }
  return Buffer.concat(parts, size);
}

export const lengthWrong = (what: string, expected: number, found: string): ClientError =>
  new ClientError("CLIENT_LENGTH_WRONG", `${what}: the index announces ${expected} bytes, the file has ${found}`);
