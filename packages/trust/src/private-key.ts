import { generateEd25519, publicKeyOfSeed } from "./node-ed25519.ts";
import { enrolPublicKey } from "./public-key.ts";
import type { PublicKeyRecord } from "./public-key.ts";

/** A publisher's key pair. Keep it out of logs and messages. */
export interface PrivateKey extends PublicKeyRecord {
  /** The 32 bytes from which everything follows (RFC 8032). */
  readonly seed: Uint8Array;
}

/** Makes a new Ed25519 key from the system's randomness. */
export function generatePublisherKey(): PrivateKey {
  const { seed, publicKey } = generateEd25519();
  return { ...enrolPublicKey(publicKey), seed };
}

/** The key pair of a stored seed. */
export function privateKeyOfSeed(seed: Uint8Array): PrivateKey {
  return { ...enrolPublicKey(publicKeyOfSeed(seed)), seed };
}
