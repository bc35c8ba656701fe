import { canonicalJson, quote, utf8 } from "@berth/base";

import { TrustError } from "./errors.ts";
import { hkdfSha256, randomSecret } from "./node-hmac.ts";
import { sha256Hex } from "./node-ed25519.ts";

/**
 * A secret that a deployment shares: whoever holds it can forge what it vouches for, so it means "from
 * our deployment" and never "from that publisher". It is another type than a public key, so neither can
 * be taken for the other. Keep it out of logs and messages.
 */
export interface DeploymentKey {
  /** `sha256:` and a digest that tells nothing of the secret. */
  readonly keyId: string;
  /** The one trust domain that it is good for. */
  readonly repository: string;
  /** 32 random bytes. */
  readonly secret: Uint8Array;
}

const SECRET_BYTES = 32;
const REPOSITORY = /^[A-Za-z0-9][A-Za-z0-9._:/-]{0,199}$/;

/** Makes a key for one repository. */
export function generateDeploymentKey(repository: string): DeploymentKey {
  return deploymentKeyOf(repository, randomSecret(SECRET_BYTES));
}

/**
 * The key of a stored secret.
 *
 * @throws TrustError TRUST_KEY_INVALID
 */
export function deploymentKeyOf(repository: string, secret: Uint8Array): DeploymentKey {
  if (secret.length !== SECRET_BYTES)
    throw new TrustError("TRUST_KEY_INVALID", `a deployment key has ${secret.length} bytes, expected ${SECRET_BYTES}`);
  if (!REPOSITORY.test(repository))
    throw new TrustError(
      "TRUST_KEY_INVALID",
      `a deployment key is for the repository ${quote(repository)}, which is no name`,
    );
  return { keyId: `sha256:${sha256Hex(derive(secret, repository, "key-id"))}`, repository, secret };
}

/** The key for one purpose: what is made with it is worth nothing for another purpose or repository. */
export function purposeKey({ secret, repository }: DeploymentKey, purpose: string): Uint8Array {
  return derive(secret, repository, purpose);
}

function derive(secret: Uint8Array, repository: string, purpose: string): Uint8Array {
  // Canonical JSON, so that no repository's name can run over into the purpose.
  return hkdfSha256(secret, utf8(canonicalJson({ protocol: "berth-deployment-v1", repository, purpose })));
}
