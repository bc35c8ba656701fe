import { formatBase64, quote, tryParseBase64 } from "@berth/base";

import { deploymentKeyOf, generateDeploymentKey } from "./deployment-key.ts";
import type { DeploymentKey } from "./deployment-key.ts";
import { TrustError } from "./errors.ts";
import { createSecretFile, readSecretFile } from "./node-secret-file.ts";
import type { AskPassphrase } from "./node-secret-file.ts";
import { generatePublisherKey, privateKeyOfSeed } from "./private-key.ts";
import type { PrivateKey } from "./private-key.ts";

const PUBLISHER_KIND = "berth-ed25519-private";
const DEPLOYMENT_KIND = "berth-hmac-sha256-secret";
const SECRET_BYTES = 32;
const askNobody: AskPassphrase = () => Promise.resolve(undefined);

/**
 * Makes a publisher's key and stores it in a new file that only its owner can read, encrypted where a
 * passphrase is given.
 *
 * @throws TrustError TRUST_KEY_FILE_EXISTS, TRUST_KEY_FILE_UNUSABLE
 */
export async function createKeyFile(path: string, passphrase?: string): Promise<PrivateKey> {
  const key = generatePublisherKey();
  await createSecretFile(path, `${PUBLISHER_KIND} ${formatBase64(key.seed)}`, passphrase);
  return key;
}

/**
 * Reads a publisher's private key. `askPassphrase` is called only when the file is encrypted.
 *
 * @throws TrustError TRUST_KEY_FILE_OPEN, TRUST_KEY_FILE_INVALID, TRUST_KEY_FILE_UNUSABLE, TRUST_PASSPHRASE_NEEDED,
 *   TRUST_PASSPHRASE_WRONG
 */
export async function readKeyFile(path: string, askPassphrase: AskPassphrase = askNobody): Promise<PrivateKey> {
  const [seed, rest] = await readKey(path, PUBLISHER_KIND, askPassphrase);
  if (rest !== "") throw new TrustError("TRUST_KEY_FILE_INVALID", `${quote(path, 200)} holds something behind its key`);
  return privateKeyOfSeed(seed);
}

/**
 * Makes a deployment's secret for one repository and stores it as `createKeyFile` does.
 *
 * @throws TrustError TRUST_KEY_FILE_EXISTS, TRUST_KEY_FILE_UNUSABLE, TRUST_KEY_INVALID
 */
export async function createDeploymentKeyFile(
  path: string,
  repository: string,
  passphrase?: string,
): Promise<DeploymentKey> {
  const key = generateDeploymentKey(repository);
  await createSecretFile(path, `${DEPLOYMENT_KIND} ${formatBase64(key.secret)} ${repository}`, passphrase);
  return key;
}

/** Reads a deployment's secret; fails as `readKeyFile` does. */
export async function readDeploymentKeyFile(
  path: string,
  askPassphrase: AskPassphrase = askNobody,
): Promise<DeploymentKey> {
  const [secret, repository] = await readKey(path, DEPLOYMENT_KIND, askPassphrase);
  return deploymentKeyOf(repository, secret);
}

/** The 32 secret bytes of a line, and whatever stands behind them. */
async function readKey(path: string, kind: string, askPassphrase: AskPassphrase): Promise<[Uint8Array, string]> {
  const line = await readSecretFile(path, askPassphrase);
  const [found = "", base64 = "", ...rest] = line.split(" ");
  const secret = found === kind ? tryParseBase64(base64) : undefined;
  if (secret?.length !== SECRET_BYTES)
    throw new TrustError("TRUST_KEY_FILE_INVALID", `${quote(path, 200)} does not hold a key of the kind ${kind}`);
  return [secret, rest.join(" ")];
}
