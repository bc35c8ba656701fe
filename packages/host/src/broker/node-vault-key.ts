import { randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

import type * as age from "age-encryption";

import { HostError } from "../errors.ts";

const DATA_KEY_BYTES = 32;
const WRAPPED = "vault.age";
const OPERATOR_KEY = "operator.agekey";

/** Some 20 MB of the process, for hosts that have a secret. */
const loadAge = (): Promise<typeof age> => import("age-encryption");

/**
 * The key that seals secrets, wrapped with age to the operator's key, so that the operator's key can be kept
 * elsewhere and tools outside Berth can open the wrapping. Both files are made when first needed.
 *
 * @throws HostError HOST_VAULT_CLOSED when the operator's key is not there or is not the one
 */
export async function openVaultKey(
  dataDir: string,
  operatorKeyFile = join(dataDir, OPERATOR_KEY),
): Promise<Uint8Array> {
  const wrappedFile = join(dataDir, WRAPPED);
  try {
    const wrapped = await readIfThere(wrappedFile);
    const identity = (await readIfThere(operatorKeyFile))?.toString("utf8").trim();
    if (wrapped === undefined) return await makeKey(wrappedFile, operatorKeyFile, identity);
    if (identity === undefined) throw new HostError("HOST_VAULT_CLOSED", "the operator's key is not there");
    const { Decrypter } = await loadAge();
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const key = await decrypter.decrypt(wrapped);
    if (key.length !== DATA_KEY_BYTES) throw new HostError("HOST_VAULT_CLOSED", "the wrapped key has a wrong length");
    return key;
  } catch (error) {
    if (error instanceof HostError) throw error;
    throw new HostError("HOST_VAULT_CLOSED", "the key of the secrets cannot be opened with the operator's key", {
      cause: error,
    });
  }
}

async function makeKey(wrappedFile: string, operatorKeyFile: string, known: string | undefined): Promise<Uint8Array> {
  const { Encrypter, generateIdentity, identityToRecipient } = await loadAge();
  let identity = known;
  if (identity === undefined) {
    identity = await generateIdentity();
    await writeNew(operatorKeyFile, `${identity}\n`);
  }
  const key = new Uint8Array(randomBytes(DATA_KEY_BYTES));
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  await writeNew(wrappedFile, await encrypter.encrypt(key));
  return key;
}

/** Never replaces a file: an older one may be the only way to what was sealed. */
async function writeNew(path: string, content: string | Uint8Array): Promise<void> {
  const handle = await open(path, "wx", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
