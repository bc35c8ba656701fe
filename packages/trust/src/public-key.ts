import { formatBase64, quote, tryParseBase64 } from "@berth/base";

import { TrustError } from "./errors.ts";
import { sha256Hex } from "./node-ed25519.ts";

/** A public key and how to use it. The algorithm is a property of the key, never of a signature. */
export interface PublicKeyRecord {
  /** `sha256:` and the digest of the raw key. */
  readonly keyId: string;
  readonly algorithm: "ed25519";
  /** The 32 raw bytes in base64. */
  readonly publicKey: string;
}

const KEY_BYTES = 32;
const LINE_KIND = "berth-ed25519";
/** The field's prime, 2^255 − 19. */
const P = 2n ** 255n - 19n;

/**
 * The y coordinates of the eight points of small order (RFC 7748, section 7, gives the reason to refuse
 * them): order 1 and 2 have y = ±1, order 4 has y = 0, order 8 the two others. Either sign of x.
 */
const SMALL_ORDER_Y: ReadonlySet<bigint> = new Set([
  0n,
  1n,
  P - 1n,
  0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n,
  0x05fc536d880238b13933c6d305acdfd5f098eff289f4c345b027b2c28f95e826n,
]);

/** `sha256:` and the digest of a raw public key. */
export function keyIdOf(publicKey: Uint8Array): string {
  return `sha256:${sha256Hex(publicKey)}`;
}

/** A key id for people, in groups that can be read aloud. */
export function formatFingerprint(keyId: string): string {
  const hex = keyId.replace(/^sha256:/, "");
  return (hex.match(/.{1,8}/g) ?? []).join("-");
}

/**
 * Takes a raw public key in.
 *
 * @throws TrustError TRUST_KEY_INVALID, TRUST_KEY_WEAK
 */
export function enrolPublicKey(publicKey: Uint8Array): PublicKeyRecord {
  if (publicKey.length !== KEY_BYTES)
    throw new TrustError("TRUST_KEY_INVALID", `a public key has ${publicKey.length} bytes, expected ${KEY_BYTES}`);
  const isNegative = ((publicKey[KEY_BYTES - 1] as number) & 0x80) !== 0;
  let y = 0n;
  for (let at = KEY_BYTES - 1; at >= 0; at -= 1) y = (y << 8n) | BigInt(publicKey[at] as number);
  if (isNegative) y -= 2n ** 255n;
  if (y >= P) throw new TrustError("TRUST_KEY_WEAK", "the public key is not in canonical form");
  if (SMALL_ORDER_Y.has(y))
    throw new TrustError(
      "TRUST_KEY_WEAK",
      "the public key is a point of small order, for which anybody can make signatures",
    );
  return { keyId: keyIdOf(publicKey), algorithm: "ed25519", publicKey: formatBase64(publicKey) };
}

/**
 * Reads a public key's line: `berth-ed25519 BASE64 [comment]`.
 *
 * @throws TrustError TRUST_KEY_INVALID, TRUST_KEY_WEAK
 */
export function parsePublicKey(line: string): PublicKeyRecord {
  const [kind, base64 = ""] = line.trim().split(/\s+/, 2);
  const raw = line.length <= 1_024 && kind === LINE_KIND ? tryParseBase64(base64) : undefined;
  if (raw === undefined)
    throw new TrustError("TRUST_KEY_INVALID", `expected a line "${LINE_KIND} BASE64", found ${quote(line)}`);
  return enrolPublicKey(raw);
}

/** Writes a public key as one line. */
export function formatPublicKey({ publicKey }: Pick<PublicKeyRecord, "publicKey">): string {
  return `${LINE_KIND} ${publicKey}`;
}

/** The raw bytes of an enrolled key. */
export function rawPublicKey({ publicKey }: PublicKeyRecord): Uint8Array {
  const raw = tryParseBase64(publicKey);
  if (raw === undefined)
    throw new TrustError("TRUST_KEY_INVALID", `the key record holds ${quote(publicKey)} instead of a key`);
  return raw;
}
