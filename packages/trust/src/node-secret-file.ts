import { constants } from "node:fs";
import { link, open, rm } from "node:fs/promises";
import type { FileHandle } from "node:fs/promises";

import { quote } from "@berth/base";

import { TrustError } from "./errors.ts";

/** Asks for the passphrase of a file; called only when the file is encrypted. */
export type AskPassphrase = () => Promise<string | undefined>;

const MAX_BYTES = 16_384;
const AGE_HEADER = "-----BEGIN AGE ENCRYPTED FILE-----";

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? "unknown";

/**
 * Stores a secret line in a new file that only its owner can read, encrypted with a passphrase where one
 * is given (age, scrypt recipient: https://age-encryption.org/v1).
 *
 * @throws TrustError TRUST_KEY_FILE_EXISTS, TRUST_KEY_FILE_UNUSABLE
 */
export async function createSecretFile(path: string, line: string, passphrase?: string): Promise<void> {
  const text = passphrase === undefined ? `${line}\n` : await encrypt(`${line}\n`, passphrase);
  const beside = `${path}.${process.pid}.new`;
  try {
    await writeNew(beside, text);
    // A link, unlike a rename, never replaces what is there.
    await link(beside, path);
  } catch (error) {
    if (codeOf(error) === "EEXIST")
      throw new TrustError("TRUST_KEY_FILE_EXISTS", `there is a file at ${quote(path, 200)} already`, { cause: error });
    throw new TrustError(
      "TRUST_KEY_FILE_UNUSABLE",
      `the private key could not be written to ${quote(path, 200)} (${codeOf(error)})`,
      { cause: error },
    );
  } finally {
    await rm(beside, { force: true });
  }
}

async function writeNew(path: string, text: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
  const file = await open(path, flags, 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Reads a secret line from a regular file that nobody but its owner can read. Links are not followed: the
 * mode that counts is that of the file that was named.
 *
 * @throws TrustError TRUST_KEY_FILE_OPEN, TRUST_KEY_FILE_INVALID, TRUST_KEY_FILE_UNUSABLE,
 *   TRUST_PASSPHRASE_NEEDED, TRUST_PASSPHRASE_WRONG
 */
export async function readSecretFile(path: string, askPassphrase: AskPassphrase): Promise<string> {
  const text = await readOwnFile(path);
  if (!text.startsWith(AGE_HEADER)) return text.trimEnd();
  const passphrase = await askPassphrase();
  if (passphrase === undefined) {
    throw new TrustError("TRUST_PASSPHRASE_NEEDED", `the private key ${quote(path, 200)} is encrypted`);
  }
  return (await decrypt(text, passphrase, path)).trimEnd();
}

async function readOwnFile(path: string): Promise<string> {
  const file = await openOwnFile(path);
  try {
    const about = await file.stat();
    if (!about.isFile()) throw new TrustError("TRUST_KEY_FILE_INVALID", `${quote(path, 200)} is not a regular file`);
    const mode = about.mode & 0o777;
    // Windows has no such mode bits; there the folder's access list decides.
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new TrustError(
        "TRUST_KEY_FILE_OPEN",
        `the private key ${quote(path, 200)} has mode ${mode.toString(8)}, expected 600`,
        { hint: `chmod 600 ${quote(path, 200)}` },
      );
    }
    if (about.size > MAX_BYTES) {
      throw new TrustError(
        "TRUST_KEY_FILE_INVALID",
        `${quote(path, 200)} has ${about.size} bytes, at most ${MAX_BYTES} are read`,
      );
    }
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

async function openOwnFile(path: string): Promise<FileHandle> {
  try {
    // Without O_NONBLOCK a fifo would make the command wait for ever.
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ELOOP") {
      throw new TrustError("TRUST_KEY_FILE_INVALID", `${quote(path, 200)} is a symbolic link`, {
        cause: error,
        hint: "Name the file that it points to.",
      });
    }
    throw new TrustError(
      "TRUST_KEY_FILE_UNUSABLE",
      `the private key ${quote(path, 200)} cannot be read (${codeOf(error)})`,
      { cause: error },
    );
  }
}

// Loaded when a key is encrypted: most commands never need it.
async function encrypt(text: string, passphrase: string): Promise<string> {
  const { Encrypter, armor } = await import("age-encryption");
  const encrypter = new Encrypter();
  encrypter.setPassphrase(passphrase);
  return armor.encode(await encrypter.encrypt(text));
}

async function decrypt(text: string, passphrase: string, path: string): Promise<string> {
  const { Decrypter, armor } = await import("age-encryption");
  let bytes: Uint8Array;
  try {
    bytes = armor.decode(text);
  } catch (error) {
    throw new TrustError("TRUST_KEY_FILE_INVALID", `${quote(path, 200)} is damaged`, { cause: error });
  }
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase);
  try {
    return await decrypter.decrypt(bytes, "text");
  } catch (error) {
    throw new TrustError(
      "TRUST_PASSPHRASE_WRONG",
      `the private key ${quote(path, 200)} does not open with this passphrase`,
      { cause: error },
    );
  }
}
