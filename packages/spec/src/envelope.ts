import { concatBytes, formatBase64, quote, tryParseBase64, utf8 } from "@berth/base";

import { SpecError } from "./errors.ts";
import { isJsonFault, readJsonDocument } from "./json-document.ts";

/** One signature of an envelope, still in question. */
export interface EnvelopeSignature {
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** A DSSE envelope: signatures over a typed payload. https://github.com/secure-systems-lab/dsse */
export interface Envelope {
  readonly payloadType: string;
  readonly payload: Uint8Array;
  readonly signatures: readonly EnvelopeSignature[];
}

const MAX_BYTES = 65_536;
const MAX_SIGNATURES = 8;
const MEMBERS = "payload,payloadType,signatures";

const refuse = (what: string): never => {
  throw new SpecError("SPEC_ENVELOPE_INVALID", `a signature envelope ${what}`);
};

/**
 * Reads an envelope strictly: no unknown or repeated members, canonical base64, at most 64 KiB and
 * 8 signatures, no key twice.
 *
 * @throws SpecError SPEC_ENVELOPE_INVALID
 */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  if (bytes.length > MAX_BYTES) refuse(`has ${bytes.length} bytes, at most ${MAX_BYTES} are read`);
  const document = readJsonDocument(bytes);
  if (isJsonFault(document)) return refuse(`is not JSON: ${document.message}`);
  const { payload, payloadType, signatures } = exactMembers(document.value, MEMBERS);
  if (typeof payloadType !== "string" || payloadType.length > 200) return refuse("has no payload type");
  if (!Array.isArray(signatures) || signatures.length === 0 || signatures.length > MAX_SIGNATURES) {
    return refuse(`has no list of 1 to ${MAX_SIGNATURES} signatures`);
  }
  const parsed = signatures.map((each: unknown): EnvelopeSignature => {
    const { keyid, sig } = exactMembers(each, "keyid,sig");
    if (typeof keyid !== "string" || !/^sha256:[0-9a-f]{64}$/.test(keyid))
      return refuse("has a signature without a key id");
    return { keyId: keyid, signature: parseBase64(sig, "signature") };
  });
  if (new Set(parsed.map(({ keyId }) => keyId)).size !== parsed.length) refuse("is signed twice by one key");
  return { payloadType, payload: parseBase64(payload, "payload"), signatures: parsed };
}

function exactMembers(value: unknown, names: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return refuse(`is ${quote(value)} where an object was expected`);
  const found = Object.keys(value).toSorted().join(",");
  if (found !== names) return refuse(`has the members ${quote(found)}, expected ${names}`);
  return value as Record<string, unknown>;
}

function parseBase64(text: unknown, what: string): Uint8Array {
  if (typeof text !== "string") return refuse(`has no ${what}`);
  return tryParseBase64(text) ?? refuse(`has a ${what} that is not canonical base64`);
}

/** Writes an envelope as JSON in UTF-8. */
export function formatEnvelope({ payloadType, payload, signatures }: Envelope): Uint8Array<ArrayBuffer> {
  const json = {
    payloadType,
    payload: formatBase64(payload),
    signatures: signatures.map(({ keyId, signature }) => ({ keyid: keyId, sig: formatBase64(signature) })),
  };
  return utf8(`${JSON.stringify(json, null, 2)}\n`);
}

/** What is signed: DSSE's pre-authentication encoding, `DSSEv1 LEN(type) type LEN(payload) payload`. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes([utf8(`DSSEv1 ${utf8(payloadType).length} ${payloadType} ${payload.length} `), payload]);
}
