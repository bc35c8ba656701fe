import { constants } from "node:fs";
import { link, open, rm } from "node:fs/promises";

import { formatBase64, quote, tryParseBase64 } from "@berth/base";

import { TrustError } from "./errors.ts";
import { generatePublisherKey, privateKeyOfSeed } from "./private-key.ts";
import type { PrivateKey } from "./private-key.ts";

const LINE_KIND = "berth-ed25519-private";
const MAX_BYTES = 4_096;

/**
 * Makes a key and stores it in a new file that only its owner can read.
 *
 * @throws TrustError TRUST_KEY_FILE_EXISTS
 */
export async function createKeyFile(path: string): Promise<PrivateKey> {
  const key = generatePublisherKey();
  const beside = `${path}.${process.pid}.new`;
  const file = await open(
    beside,
    constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
    0o600,
  );
  try {
    await file.writeFile(`${LINE_KIND} ${formatBase64(key.seed)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    // A link, unlike a rename, never replaces what is there.
    await link(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new TrustError("TRUST_KEY_FILE_EXISTS", `there is a file at ${quote(path, 200)} already`, { cause: error });
  } finally {
    await rm(beside, { force: true });
  }
  return key;
}

/**
 * Reads a private key.
 *
 * @throws TrustError TRUST_KEY_FILE_OPEN, TRUST_KEY_FILE_INVALID
 */
export async function readKeyFile(path: string): Promise<PrivateKey> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { mode, size } = await file.stat();
    // Windows has no such mode bits; there the folder's access list decides.
    if (process.platform !== "win32" && (mode & 0o077) !== 0) {
      throw new TrustError(
        "TRUST_KEY_FILE_OPEN",
        `the private key ${quote(path, 200)} has mode ${(mode & 0o777).toString(8)}, expected 600`,
        { hint: `chmod 600 ${path}` },
      );
    }
    const text = size > MAX_BYTES ? "" : await file.readFile("utf8");
    const [kind, base64 = ""] = text.trim().split(" ", 2);
    const seed = kind === LINE_KIND ? tryParseBase64(base64) : undefined;
    if (seed?.length !== 32)
      throw new TrustError("TRUST_KEY_FILE_INVALID", `${quote(path, 200)} does not hold a private key`);
    return privateKeyOfSeed(seed);
  } finally {
    await file.close();
  }
}
