import { canonicalJson, decodeUtf8, quote } from "@berth/base";
import { isJsonFault, parseEnvelope, preAuthEncoding, readJsonDocument } from "@berth/spec";

import { TrustError } from "./errors.ts";
import type { TrustErrorCode } from "./errors.ts";
import { verifyEd25519 } from "./node-ed25519.ts";
import { enrolPublicKey, rawPublicKey } from "./public-key.ts";
import type { PublicKeyRecord } from "./public-key.ts";

/** How far ahead of the verifier's clock a statement's time may be. */
const MAX_AHEAD_MS = 600_000;

/**
 * Verifies that one of `keys` signed an envelope of this type; gives the key and the bytes it signed.
 *
 * @throws SpecError SPEC_ENVELOPE_INVALID; TrustError TRUST_PURPOSE_WRONG, TRUST_KEY_UNKNOWN,
 *   TRUST_KEY_WEAK, TRUST_SIGNATURE_WRONG
 */
export function verifySigned({
  envelope: bytes,
  payloadType,
  keys,
}: {
  readonly envelope: Uint8Array;
  readonly payloadType: string;
  readonly keys: readonly PublicKeyRecord[];
}): { key: PublicKeyRecord; payload: Uint8Array } {
  const envelope = parseEnvelope(bytes);
  // DSSE: the type is part of what is signed, so it is compared before anything is believed.
  if (envelope.payloadType !== payloadType) {
    throw new TrustError(
      "TRUST_PURPOSE_WRONG",
      `expected a statement of type ${payloadType}, found ${quote(envelope.payloadType)}`,
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
  return { key, payload: envelope.payload };
}

/** The refusal of a statement that is genuine and yet none that Berth makes. */
export const invalidStatement = (what: string, why: string): TrustError =>
  new TrustError("TRUST_ENVELOPE_INVALID", `the ${what} statement ${why}`);

/**
 * Reads a statement: canonical JSON with exactly these members, all texts, beside an optional
 * `repository` where the statement's kind does not demand one.
 *
 * @throws TrustError TRUST_ENVELOPE_INVALID, TRUST_PURPOSE_WRONG
 */
export function readStatement(
  payload: Uint8Array,
  { what, purpose, members }: { what: string; purpose: string; members: readonly string[] },
): Readonly<Record<string, string | undefined>> {
  const document = readJsonDocument(payload);
  if (isJsonFault(document)) throw invalidStatement(what, `is not JSON: ${document.message}`);
  const { value } = document;
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw invalidStatement(what, "is not an object");
  const statement = value as Record<string, unknown>;
  const found = Object.keys(statement).filter((name) => name !== "repository" || members.includes(name));
  if (found.toSorted().join() !== members.join())
    throw invalidStatement(what, `has the members ${quote(found.join(", "))}`);
  if (Object.values(statement).some((member) => typeof member !== "string"))
    throw invalidStatement(what, "has a member that is no text");
  const texts = statement as Record<string, string>;
  // One statement has one text, so nothing can hide in another spelling of it.
  if (canonicalJson(texts) !== decodeUtf8(payload)) throw invalidStatement(what, "is not canonical");
  verifySame("TRUST_PURPOSE_WRONG", "purpose", texts["purpose"], purpose);
  return texts;
}

/** @throws TrustError with `code` when a statement is for something other than what was asked for */
export function verifySame(code: TrustErrorCode, what: string, found: string | undefined, wanted?: string): void {
  if (found !== wanted)
    throw new TrustError(code, `the statement is for the ${what} ${quote(found)}, expected ${quote(wanted)}`);
}

/** @throws TrustError TRUST_ENVELOPE_INVALID for a text that is not the one form of an instant */
export function instantOf(what: string, text: string): number {
  const time = Date.parse(text);
  if (Number.isNaN(time) || new Date(time).toISOString() !== text)
    throw invalidStatement(what, `has the time ${quote(text)}, which is no ISO instant`);
  return time;
}

/** @throws TrustError TRUST_ENVELOPE_INVALID, TRUST_STATEMENT_FROM_FUTURE */
export function verifyTime(what: string, text: string, now: Date): void {
  if (instantOf(what, text) > now.getTime() + MAX_AHEAD_MS) {
    throw new TrustError(
      "TRUST_STATEMENT_FROM_FUTURE",
      `the statement was made at ${text}, it is ${now.toISOString()} now`,
    );
  }
}
