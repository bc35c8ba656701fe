import { canonicalJson, tryParseBase64, utf8 } from "@berth/base";
import { formatEnvelope, preAuthEncoding } from "@berth/spec";

import { signEd25519 } from "./node-ed25519.ts";
import type { PrivateKey } from "./private-key.ts";
import { enrolPublicKey } from "./public-key.ts";
import type { PublicKeyRecord } from "./public-key.ts";
import { invalidStatement, readStatement, verifySame, verifySigned, verifyTime } from "./signed-statement.ts";

/** The type of a publisher's statement about a further key of theirs. */
export const KEY_PAYLOAD_TYPE = "application/vnd.berth.key+json;v=1";

/** What an enrolled key signs to take another one in: this key, too, speaks for that publisher. */
export interface KeyStatement {
  readonly purpose: "enrol-key";
  readonly publisher: string;
  /** The new key, raw, in base64. */
  readonly newKey: string;
  /** ISO instant, recorded. */
  readonly time: string;
  /** The trust domain that the statement is bound to, when it is. */
  readonly repository?: string;
  /** The signer's key. */
  readonly publicKey: string;
}

/** What a verifier asked for; each field is compared with the statement's. */
export interface ExpectedKeyStatement {
  readonly publisher: string;
  /** The verifier's own trust domain. */
  readonly repository: string;
  readonly now: Date;
}

const MEMBERS = ["newKey", "publicKey", "publisher", "purpose", "time"];

/** Signs a key statement; gives the envelope's bytes. */
export function signKeyStatement(
  { publisher, newKey, time, repository }: Pick<KeyStatement, "publisher" | "newKey" | "time" | "repository">,
  key: PrivateKey,
): Uint8Array {
  const statement = {
    purpose: "enrol-key",
    publisher,
    newKey,
    time,
    publicKey: key.publicKey,
    ...(repository !== undefined && { repository }),
  };
  const payload = utf8(canonicalJson(statement));
  const signature = signEd25519(key.seed, preAuthEncoding(KEY_PAYLOAD_TYPE, payload));
  return formatEnvelope({ payloadType: KEY_PAYLOAD_TYPE, payload, signatures: [{ keyId: key.keyId, signature }] });
}

/**
 * Verifies that one of `keys` takes a further key in for exactly this publisher; gives the new key.
 *
 * @throws SpecError SPEC_ENVELOPE_INVALID; TrustError, one code for each way a statement can be wrong
 */
export function verifyKeyStatement({
  envelope,
  expected,
  keys,
}: {
  readonly envelope: Uint8Array;
  readonly expected: ExpectedKeyStatement;
  readonly keys: readonly PublicKeyRecord[];
}): { keyId: string; newKey: PublicKeyRecord } {
  const { key, payload } = verifySigned({ envelope, payloadType: KEY_PAYLOAD_TYPE, keys });
  const statement = readStatement(payload, { what: "key", purpose: "enrol-key", members: MEMBERS });
  // The context lock: a signature made for one context is worth nothing in another.
  verifySame("TRUST_PUBLISHER_WRONG", "publisher", statement["publisher"], expected.publisher);
  if (statement["repository"] !== undefined)
    verifySame("TRUST_REPOSITORY_WRONG", "repository", statement["repository"], expected.repository);
  verifySame("TRUST_KEY_UNKNOWN", "key", statement["publicKey"], key.publicKey);
  verifyTime("key", statement["time"] ?? "", expected.now);
  const raw = tryParseBase64(statement["newKey"] ?? "");
  if (raw === undefined) throw invalidStatement("key", "names no new key");
  return { keyId: key.keyId, newKey: enrolPublicKey(raw) };
}
