import { canonicalJson, tryParseBase64, utf8 } from "@berth/base";
import { formatEnvelope, parseEnvelope, preAuthEncoding } from "@berth/spec";

import { signEd25519 } from "./node-ed25519.ts";
import type { PrivateKey } from "./private-key.ts";
import { enrolPublicKey } from "./public-key.ts";
import type { PublicKeyRecord } from "./public-key.ts";
import { verifyFacts } from "./release-facts.ts";
import type { ExpectedRelease, ReleaseFacts } from "./release-facts.ts";
import { invalidStatement, readStatement, verifySame, verifySigned } from "./signed-statement.ts";

/** The type of a publisher's statement about a release. */
export const RELEASE_PAYLOAD_TYPE = "application/vnd.berth.release+json;v=1";

/** What a publisher signs: this content is that release. It does not expire. */
export interface ReleaseStatement extends ReleaseFacts {
  readonly purpose: "release";
  /** The signer's key, so that an unknown publisher's key can be shown and pinned. */
  readonly publicKey: string;
}

const MEMBERS = ["contentDigest", "plugin", "publicKey", "purpose", "time", "version"];

/** Signs a release; gives the envelope's bytes. */
export function signRelease(facts: ReleaseFacts, key: PrivateKey): Uint8Array {
  const { plugin, version, contentDigest, time, repository } = facts;
  const statement = {
    purpose: "release",
    plugin,
    version,
    contentDigest,
    time,
    publicKey: key.publicKey,
    ...(repository !== undefined && { repository }),
  };
  const payload = utf8(canonicalJson(statement));
  const signature = signEd25519(key.seed, preAuthEncoding(RELEASE_PAYLOAD_TYPE, payload));
  return formatEnvelope({ payloadType: RELEASE_PAYLOAD_TYPE, payload, signatures: [{ keyId: key.keyId, signature }] });
}

/**
 * Verifies that one of `keys` signed exactly this release, for this purpose and place. The bytes that
 * were signed are verified first and parsed afterwards.
 *
 * @throws SpecError SPEC_ENVELOPE_INVALID; TrustError, one code for each way a statement can be wrong
 */
export function verifyRelease({
  envelope: bytes,
  expected,
  keys,
}: {
  readonly envelope: Uint8Array;
  readonly expected: ExpectedRelease;
  readonly keys: readonly PublicKeyRecord[];
}): { keyId: string; statement: ReleaseStatement } {
  const { key, payload } = verifySigned({ envelope: bytes, payloadType: RELEASE_PAYLOAD_TYPE, keys });
  const statement = parseStatement(payload);
  verifyFacts(statement, expected, "release");
  verifySame("TRUST_KEY_UNKNOWN", "key", statement.publicKey, key.publicKey);
  return { keyId: key.keyId, statement };
}

/** Keys that an envelope says it was signed with; nothing is verified, but weak keys are refused. */
export function unverifiedSignerKeys(bytes: Uint8Array): PublicKeyRecord[] {
  const { payload, signatures } = parseEnvelope(bytes);
  const raw = tryParseBase64(parseStatement(payload).publicKey);
  if (raw === undefined) throw invalidStatement("release", "names no public key");
  const key = enrolPublicKey(raw);
  return signatures.some(({ keyId }) => keyId === key.keyId) ? [key] : [];
}

function parseStatement(payload: Uint8Array): ReleaseStatement {
  const {
    plugin = "",
    version = "",
    contentDigest = "",
    time = "",
    publicKey = "",
    repository,
  } = readStatement(payload, { what: "release", purpose: "release", members: MEMBERS });
  return {
    purpose: "release",
    plugin,
    version,
    contentDigest,
    time,
    publicKey,
    ...(repository !== undefined && { repository }),
  };
}
