import { createHash, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

/**
 * A bearer token: a prefix by which people and secret scanners recognise it, 256 random bits, and a
 * checksum, so that a mistyped or made-up token is refused without a look into the database.
 */
export interface NewToken {
  /** The secret itself; shown once. */
  readonly token: string;
  /** Names the token without revealing it. */
  readonly id: string;
  /** What is kept. */
  readonly hash: string;
}

const SECRET_BYTES = 32;
const CHECKSUM_LENGTH = 8;

const checksumOf = (text: string): string => crc32(text).toString(16).padStart(CHECKSUM_LENGTH, "0");

/** Makes a token from the system's randomness. `prefix` ends with an underscore, such as `berth_registry_`. */
export function makeToken(prefix: string): NewToken {
  const body = `${prefix}${randomBytes(SECRET_BYTES).toString("hex")}`;
  const token = `${body}${checksumOf(body)}`;
  return { token, id: randomBytes(12).toString("hex"), hash: hashToken(token) };
}

/** Whether a text can be a token of this prefix at all; says nothing about its being valid. */
export function isTokenShaped(text: string, prefix: string): boolean {
  const body = text.slice(0, -CHECKSUM_LENGTH);
  return (
    text.startsWith(prefix) &&
    text.length === prefix.length + SECRET_BYTES * 2 + CHECKSUM_LENGTH &&
    checksumOf(body) === text.slice(-CHECKSUM_LENGTH)
  );
}

/**
 * What is stored and looked up instead of the token. A fast digest is enough: the secret has 256 random
 * bits, so there is nothing to guess, and the lookup by digest leaks no secret through its timing.
 */
export function hashToken(token: string): string {
  return createHash("sha256").update(token, "utf8").digest("hex");
}
