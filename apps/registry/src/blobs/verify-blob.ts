import { createHash } from "node:crypto";

import { RegistryError } from "../errors.ts";

/** `sha256:` and the digest of some bytes. */
export const digestOf = (bytes: Uint8Array): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

/** The hexadecimal digits of a digest that our own code made; anything else never becomes a path. */
export function hexOf(digest: string): string {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(digest) ?? [];
  if (hex === undefined) throw new TypeError("a blob is named by a SHA-256 digest");
  return hex;
}

export const missingBlob = (digest: string): RegistryError =>
  new RegistryError("REGISTRY_BLOB_MISSING", `the blob store has no file ${digest}, which the catalogue names`);

/** @throws RegistryError REGISTRY_BLOB_DAMAGED */
export function verifyBlob(digest: string, bytes: Uint8Array): Uint8Array {
  const found = digestOf(bytes);
  if (found === digest) return bytes;
  throw new RegistryError("REGISTRY_BLOB_DAMAGED", `the blob store's file ${digest} has the digest ${found}`);
}
