import { CodedError } from "@berth/base";
import type { ErrorExtras, ErrorRow } from "@berth/base";

const mismatch = (what: string): ErrorRow => ({
  kind: "denied",
  meaning: `A signature is genuine, but was made for another ${what}.`,
  cause: "A signature was taken from one package and put onto another, or the wrong file was signed.",
  remedy: "Do not install. Fetch the package again from its publisher.",
});

export const trustErrors = {
  TRUST_KEY_INVALID: {
    kind: "input",
    meaning: "A text is not a public key.",
    cause: "The line was cut, or it is a key of another kind.",
    remedy: "A public key is one line: `berth-ed25519` and 44 characters of base64.",
  },
  TRUST_KEY_WEAK: {
    kind: "denied",
    meaning: "A public key is of small order or not in canonical form.",
    cause: "Such a key accepts signatures that nobody made. No key generator makes one by accident.",
    remedy: "Treat whoever gave you the key as hostile.",
  },
  TRUST_KEY_FILE_EXISTS: {
    kind: "input",
    meaning: "There is a private key already.",
    cause: "`berth keys create` never overwrites a key.",
    remedy: "Use the key, or name another file with --key.",
  },
  TRUST_KEY_FILE_OPEN: {
    kind: "denied",
    meaning: "A private key can be read by others than its owner.",
    cause: "The file's mode lets group or others in.",
    remedy: "chmod 600 the file; if others may have read it, make a new key.",
  },
  TRUST_KEY_FILE_INVALID: {
    kind: "input",
    meaning: "A file is not a private key of Berth's.",
    cause: "Another file was named, or it was damaged.",
    remedy: "Name the file that `berth keys create` made.",
  },
  TRUST_ENVELOPE_INVALID: {
    kind: "denied",
    meaning: "A signature's statement is not one that Berth makes.",
    cause: "The envelope was written by another program, or its payload is not canonical.",
    remedy: "Sign the package with `berth sign`.",
  },
  TRUST_KEY_UNKNOWN: {
    kind: "denied",
    meaning: "No signature comes from a key that was expected.",
    cause: "The package was signed with another key.",
    remedy: "Compare the fingerprints with the publisher's.",
  },
  TRUST_SIGNATURE_WRONG: {
    kind: "denied",
    meaning: "A signature does not belong to its statement.",
    cause: "The statement was changed after it was signed, or the signature was made up.",
    remedy: "Do not install. Fetch the package again from its publisher.",
  },
  TRUST_PURPOSE_WRONG: mismatch("purpose"),
  TRUST_PLUGIN_WRONG: mismatch("plugin"),
  TRUST_VERSION_WRONG: mismatch("version"),
  TRUST_DIGEST_WRONG: mismatch("content"),
  TRUST_REPOSITORY_WRONG: mismatch("repository"),
  TRUST_STATEMENT_FROM_FUTURE: {
    kind: "denied",
    meaning: "A statement was made more than ten minutes from now.",
    cause: "The clock of the signer or of this machine is wrong.",
    remedy: "Set the clocks right.",
  },
} as const satisfies Record<string, ErrorRow>;

export type TrustErrorCode = keyof typeof trustErrors;

/** Refusals of keys and signatures. */
export class TrustError extends CodedError<TrustErrorCode> {
  constructor(code: TrustErrorCode, message: string, extras?: ErrorExtras) {
    super(trustErrors, code, message, extras);
  }
}
