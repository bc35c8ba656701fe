import { createHash, randomBytes } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import type * as age from "age-encryption";

import { HostError } from "../errors.ts";
import { syncFolder } from "../node-sync-folder.ts";

const DATA_KEY_BYTES = 32;
const WRAPPED = "vault.age";
const OPERATOR_KEY = "operator.agekey";
/** What takes a file's place once the database says so. */
const NEXT = ".next";

/** Some 20 MB of the process, for hosts that have a secret. */
const loadAge = (): Promise<typeof age> => import("age-encryption");

/** Tells keys apart without telling anything of them. */
export const vaultKeyIdOf = (key: Uint8Array): string =>
  createHash("sha256").update("berth vault key 1\0").update(key).digest("hex").slice(0, 32);

/**
 * The key that seals secrets, wrapped with age to the operator's key, so that the operator's key can be kept
 * elsewhere and tools outside Berth can open the wrapping. Both files are made when first needed.
 *
 * A rotation writes new ones beside them (`.next`). The database names the key that holds, so whichever of the files
 * fit it are the right ones, whenever the process was killed.
 */
export class VaultKeyFiles {
  readonly #wrapped: string;
  readonly #operator: string;

  constructor(dataDir: string, operatorKeyFile = join(dataDir, OPERATOR_KEY)) {
    this.#wrapped = join(dataDir, WRAPPED);
    this.#operator = operatorKeyFile;
  }

  /**
   * Opens the key of this id; `undefined`: whichever is there, or a new one. `isUsed`: something is sealed with it, so
   * that another one is of no use.
   *
   * @throws HostError HOST_VAULT_CLOSED when the operator's key is not there or is not the one
   */
  async open(keyId: string | undefined, isUsed: boolean): Promise<Uint8Array> {
    try {
      return await this.#open(keyId, isUsed);
    } catch (error) {
      if (error instanceof HostError) throw error;
      throw new HostError("HOST_VAULT_CLOSED", "the key of the secrets cannot be opened with the operator's key", {
        cause: error,
      });
    }
  }

  async #open(keyId: string | undefined, isUsed: boolean): Promise<Uint8Array> {
    const [wrapped, nextWrapped] = await readBoth(this.#wrapped);
    const [operator, nextOperator] = await readBoth(this.#operator);
    if (wrapped === undefined && nextWrapped === undefined) {
      if (isUsed) throw new HostError("HOST_VAULT_CLOSED", `the wrapped key ${WRAPPED} is not there`);
      return this.#make(operator === undefined ? undefined : readIdentity(operator));
    }
    if (operator === undefined && nextOperator === undefined)
      throw new HostError("HOST_VAULT_CLOSED", "the operator's key is not there");
    let failure: unknown;
    // As it was, as it becomes, and the moments between two renames.
    for (const [sealed, isNextKey] of [[wrapped, false] as const, [nextWrapped, true] as const]) {
      for (const [identity, isNextOperator] of [[operator, false] as const, [nextOperator, true] as const]) {
        if (sealed === undefined || identity === undefined) continue;
        let key: Uint8Array;
        try {
          key = await unwrap(sealed, readIdentity(identity));
        } catch (error) {
          failure ??= error;
          continue;
        }
        if (keyId === undefined ? isNextKey || isNextOperator : vaultKeyIdOf(key) !== keyId) continue;
        if (nextWrapped !== undefined) await settle(this.#wrapped, isNextKey);
        if (nextOperator !== undefined) await settle(this.#operator, isNextOperator);
        return key;
      }
    }
    throw new HostError("HOST_VAULT_CLOSED", "the key of the secrets cannot be opened with the operator's key", {
      cause: failure,
    });
  }

  /**
   * Makes a key that is to follow the present one, and puts its wrapping beside that one's, on disk. `operatorKey`, if
   * given, wraps it and is put beside the operator's present one.
   *
   * @throws HostError HOST_OPERATOR_KEY_INVALID, HOST_VAULT_CLOSED
   */
  async begin(present: Uint8Array, operatorKey: string | undefined): Promise<Uint8Array> {
    // What an earlier rotation left beside may be the only wrapping of the present key.
    await this.open(vaultKeyIdOf(present), true);
    const key = new Uint8Array(randomBytes(DATA_KEY_BYTES));
    try {
      const identity = readIdentity(operatorKey ?? (await readFile(this.#operator)));
      const wrapping = await wrap(key, identity).catch((cause: unknown) => {
        throw new HostError("HOST_OPERATOR_KEY_INVALID", "the operator's key is no age identity", { cause });
      });
      if (operatorKey !== undefined) await this.#putBeside(this.#operator, `${identity}\n`);
      await this.#putBeside(this.#wrapped, wrapping);
    } catch (error) {
      if (error instanceof HostError) throw error;
      throw new HostError("HOST_VAULT_CLOSED", "the new key of the secrets cannot be written", { cause: error });
    }
    return key;
  }

  async #putBeside(path: string, content: string | Uint8Array): Promise<void> {
    await writeNew(path + NEXT, content);
    await syncFolder(dirname(path));
  }

  async #make(known: string | undefined): Promise<Uint8Array> {
    const { generateIdentity } = await loadAge();
    let identity = known;
    if (identity === undefined) {
      identity = await generateIdentity();
      await writeNew(this.#operator, `${identity}\n`);
    }
    const key = new Uint8Array(randomBytes(DATA_KEY_BYTES));
    await writeNew(this.#wrapped, await wrap(key, identity));
    return key;
  }
}

/** The identity in a file as `age-keygen` writes it: lines that begin with # say something about it. */
function readIdentity(file: string | Uint8Array): string {
  const text = typeof file === "string" ? file : new TextDecoder().decode(file);
  const lines = text.split("\n").map((line) => line.trim());
  return lines.find((line) => line !== "" && !line.startsWith("#")) ?? "";
}

async function wrap(key: Uint8Array, identity: string): Promise<Uint8Array> {
  const { Encrypter, identityToRecipient } = await loadAge();
  const encrypter = new Encrypter();
  encrypter.addRecipient(await identityToRecipient(identity));
  return encrypter.encrypt(key);
}

/** @throws Error of age; HostError HOST_VAULT_CLOSED */
async function unwrap(wrapped: Uint8Array, identity: string): Promise<Uint8Array> {
  const { Decrypter } = await loadAge();
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const key = await decrypter.decrypt(wrapped);
  if (key.length !== DATA_KEY_BYTES) throw new HostError("HOST_VAULT_CLOSED", "the wrapped key has a wrong length");
  return key;
}

/** Makes the next file the present one, or removes it. */
async function settle(path: string, isNext: boolean): Promise<void> {
  if (isNext) await rename(path + NEXT, path);
  else await rm(path + NEXT, { force: true });
  await syncFolder(dirname(path));
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

const readBoth = (path: string): Promise<[Buffer | undefined, Buffer | undefined]> =>
  Promise.all([readIfThere(path), readIfThere(path + NEXT)]);

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
