import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

const KEY_BYTES = 32;

/** A fresh secret from the system's randomness. */
export function randomSecret(length: number): Uint8Array {
  return new Uint8Array(randomBytes(length));
}

/** RFC 5869 without salt: the secrets are random already, so the info alone tells keys apart. */
export function hkdfSha256(secret: Uint8Array, info: Uint8Array): Uint8Array {
  return new Uint8Array(hkdfSync("sha256", secret, new Uint8Array(), info, KEY_BYTES));
}

export function hmacSha256(key: Uint8Array, message: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(message).digest());
}

/** Compares in a time that tells nothing about where two texts differ. */
export function isSameSecret(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && timingSafeEqual(one, other);
}
