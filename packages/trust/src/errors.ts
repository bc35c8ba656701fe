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
    cause: "Another file, a link, a folder or a pipe was named, or the file was damaged.",
    remedy: "Name the file that `berth keys create` made, itself and not by a link.",
  },
  TRUST_KEY_FILE_UNUSABLE: {
    kind: "environment",
    meaning: "A private key's file cannot be read or written.",
    cause:
      "It or its folder is missing, its permissions forbid it, or the disk is full; the message has the system's code.",
    remedy: "Check the path, who owns it, and the free space.",
  },
  TRUST_PASSPHRASE_NEEDED: {
    kind: "denied",
    meaning: "A private key is encrypted, and nobody gave its passphrase.",
    cause: "Standard input is not a terminal, and BERTH_KEY_PASSPHRASE is not set.",
    remedy: "Run the command in a terminal, or set BERTH_KEY_PASSPHRASE for it.",
  },
  TRUST_PASSPHRASE_WRONG: {
    kind: "denied",
    meaning: "A private key does not open with the passphrase given.",
    cause: "The passphrase is another one, or the file was changed.",
    remedy: "Try again. Without the passphrase the key is lost: make a new one and enrol it.",
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
  TRUST_PUBLISHER_WRONG: mismatch("publisher"),
  TRUST_VERSION_WRONG: mismatch("version"),
  TRUST_DIGEST_WRONG: mismatch("content"),
  TRUST_REPOSITORY_WRONG: mismatch("repository"),
  TRUST_STATEMENT_FROM_FUTURE: {
    kind: "denied",
    meaning: "A statement was made more than ten minutes from now.",
    cause: "The clock of the signer or of this machine is wrong.",
    remedy: "Set the clocks right.",
  },
  TRUST_STATEMENT_EXPIRED: {
    kind: "denied",
    meaning: "A deployment's statement has expired.",
    cause: "Statements that are made with a shared secret hold for a limited time.",
    remedy: "Have the deployment sign the package again.",
  },
  TRUST_WINDOW_INVALID: {
    kind: "input",
    meaning: "A deployment's statement holds for no time, or for too long.",
    cause: "Its end lies before its beginning, or more than 400 days behind it.",
    remedy: "Name an end within 400 days.",
  },
} as const satisfies Record<string, ErrorRow>;

export type TrustErrorCode = keyof typeof trustErrors;

/** Refusals of keys and signatures. */
export class TrustError extends CodedError<TrustErrorCode> {
  constructor(code: TrustErrorCode, message: string, extras?: ErrorExtras) {
    super(trustErrors, code, message, extras);
  }
}
