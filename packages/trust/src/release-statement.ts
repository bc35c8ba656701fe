import { canonicalJson, decodeUtf8, quote, tryParseBase64, utf8 } from "@berth/base";
import { formatEnvelope, isJsonFault, parseEnvelope, preAuthEncoding, readJsonDocument } from "@berth/spec";

import { TrustError } from "./errors.ts";
import type { TrustErrorCode } from "./errors.ts";
import { signEd25519, verifyEd25519 } from "./node-ed25519.ts";
import type { PrivateKey } from "./private-key.ts";
import { enrolPublicKey, rawPublicKey } from "./public-key.ts";
import type { PublicKeyRecord } from "./public-key.ts";

/** The type of a publisher's statement about a release. */
export const RELEASE_PAYLOAD_TYPE = "application/vnd.berth.release+json;v=1";

/** What a publisher signs: this content is that release. It does not expire. */
export interface ReleaseStatement {
  readonly purpose: "release";
  readonly plugin: string;
  readonly version: string;
  readonly contentDigest: string;
  /** ISO instant, recorded. */
  readonly time: string;
  /** The trust domain that the statement is bound to, when it is. */
  readonly repository?: string;
  /** The signer's key, so that an unknown publisher's key can be shown and pinned. */
  readonly publicKey: string;
}

/** What a verifier asked for; each field is compared with the statement's. */
export interface ExpectedRelease {
  readonly plugin: string;
  readonly version: string;
  readonly contentDigest: string;
  /** The verifier's own trust domain. */
  readonly repository?: string;
  readonly now: Date;
}

const MAX_AHEAD_MS = 600_000;
const MEMBERS = ["contentDigest", "plugin", "publicKey", "purpose", "time", "version"];

/** Signs a release; gives the envelope's bytes. */
export function signRelease(
  facts: Pick<ReleaseStatement, "plugin" | "version" | "contentDigest" | "time" | "repository">,
  key: PrivateKey,
): Uint8Array {
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
  const envelope = parseEnvelope(bytes);
  // DSSE: the type is part of what is signed, so it is compared before anything is believed.
  if (envelope.payloadType !== RELEASE_PAYLOAD_TYPE) {
    throw new TrustError(
      "TRUST_PURPOSE_WRONG",
      `expected a statement of type ${RELEASE_PAYLOAD_TYPE}, found ${quote(envelope.payloadType)}`,
    );
  }
  const signed = preAuthEncoding(envelope.payloadType, envelope.payload);
  const pairs = envelope.signatures.flatMap((signature) =>
    keys.filter(({ keyId }) => keyId === signature.keyId).map((key) => ({ key, signature })),
  );
  const [pair] = pairs;
  if (pair === undefined) {
    throw new TrustError(
      "TRUST_KEY_UNKNOWN",
      `expected a signature by ${keys.map(({ keyId }) => keyId).join(" or ") || "a known key"}, found ${envelope.signatures.map(({ keyId }) => keyId).join(", ")}`,
    );
  }
  const { key, signature } = pair;
  const raw = rawPublicKey(key);
  enrolPublicKey(raw); // A record that was edited to hold a weak key vouches for nothing.
  if (!verifyEd25519(raw, signed, signature.signature)) {
    throw new TrustError("TRUST_SIGNATURE_WRONG", `the signature by ${key.keyId} does not belong to this statement`);
  }
  const statement = parseStatement(envelope.payload);
  compare(statement, expected, key);
  return { keyId: key.keyId, statement };
}

/** Keys that an envelope says it was signed with; nothing is verified, but weak keys are refused. */
export function unverifiedSignerKeys(bytes: Uint8Array): PublicKeyRecord[] {
  const { payload, signatures } = parseEnvelope(bytes);
  const raw = tryParseBase64(parseStatement(payload).publicKey);
  if (raw === undefined) throw invalid("names no public key");
  const key = enrolPublicKey(raw);
  return signatures.some(({ keyId }) => keyId === key.keyId) ? [key] : [];
}

const invalid = (what: string): TrustError => new TrustError("TRUST_ENVELOPE_INVALID", `the release statement ${what}`);

function parseStatement(payload: Uint8Array): ReleaseStatement {
  const document = readJsonDocument(payload);
  if (isJsonFault(document)) throw invalid(`is not JSON: ${document.message}`);
  const { value } = document;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw invalid("is not an object");
  const statement = value as Record<string, unknown>;
  const found = Object.keys(statement).filter((name) => name !== "repository");
  if (found.toSorted().join() !== MEMBERS.join()) throw invalid(`has the members ${quote(found.join(", "))}`);
  if (Object.values(statement).some((member) => typeof member !== "string"))
    throw invalid("has a member that is no text");
  // One statement has one text, so nothing can hide in another spelling of it.
  if (canonicalJson(statement as Record<string, string>) !== decodeUtf8(payload)) throw invalid("is not canonical");
  const {
    plugin = "",
    version = "",
    contentDigest = "",
    time = "",
    publicKey = "",
    repository,
    purpose,
  } = statement as Record<string, string>;
  if (purpose !== "release")
    throw new TrustError(
      "TRUST_PURPOSE_WRONG",
      `the statement is for the purpose ${quote(purpose)}, expected "release"`,
    );
  return { purpose, plugin, version, contentDigest, time, publicKey, ...(repository !== undefined && { repository }) };
}

/** The context lock: a signature made for one context is worth nothing in another. */
function compare(statement: ReleaseStatement, expected: ExpectedRelease, key: PublicKeyRecord): void {
  const same = (code: TrustErrorCode, what: string, found: string | undefined, wanted: string | undefined): void => {
    if (found !== wanted)
      throw new TrustError(code, `the statement is for the ${what} ${quote(found)}, expected ${quote(wanted)}`);
  };
  same("TRUST_PLUGIN_WRONG", "plugin", statement.plugin, expected.plugin);
  same("TRUST_VERSION_WRONG", "version", statement.version, expected.version);
  same("TRUST_DIGEST_WRONG", "content", statement.contentDigest, expected.contentDigest);
  if (statement.repository !== undefined)
    same("TRUST_REPOSITORY_WRONG", "repository", statement.repository, expected.repository);
  same("TRUST_KEY_UNKNOWN", "key", statement.publicKey, key.publicKey);
  const time = Date.parse(statement.time);
  if (Number.isNaN(time) || new Date(time).toISOString() !== statement.time)
    throw invalid(`has the time ${quote(statement.time)}, which is no ISO instant`);
  if (time > expected.now.getTime() + MAX_AHEAD_MS) {
    throw new TrustError(
      "TRUST_STATEMENT_FROM_FUTURE",
      `the statement was made at ${statement.time}, it is ${expected.now.toISOString()} now`,
    );
  }
}
