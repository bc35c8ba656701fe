import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Where a sealed value belongs; it opens nowhere else. */
export interface SecretContext {
  /**
   * Whom the plugin came from when the value was filled in: see `trustDomainOf`. `undefined`: sealed before this was
   * kept.
   */
  readonly domain: string | undefined;
  readonly pluginId: string;
  readonly name: string;
  readonly version: number;
}

export interface Sealed {
  readonly nonce: Uint8Array;
  /** Ciphertext, then the tag. */
  readonly sealed: Uint8Array;
}

/** Seals with AES-256-GCM under a nonce of its own; the context is authenticated with it. */
export function seal(key: Uint8Array, context: SecretContext, plain: Uint8Array): Sealed {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(contextBytes(context));
  return { nonce, sealed: Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]) };
}

/** Throws an error of node:crypto when key, context or bytes are not those that were sealed. */
export function unseal(key: Uint8Array, context: SecretContext, { nonce, sealed }: Sealed): Buffer {
  const decipher = createDecipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(contextBytes(context));
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(0, sealed.length - TAG_BYTES)), decipher.final()]);
}

/** JSON, so that no two contexts have the same text. */
const contextBytes = ({ domain, pluginId, name, version }: SecretContext): Uint8Array =>
  Buffer.from(
    JSON.stringify(
      domain === undefined
        ? ["berth-secret-1", pluginId, name, version]
        : ["berth-secret-2", domain, pluginId, name, version],
    ),
  );

/**
 * Whom a plugin comes from: the registry that its publisher belongs to, else the trust domain of the policy, else
 * nobody in particular.
 */
export function trustDomainOf(registry: string | undefined, repository: string | undefined): string {
  if (registry !== undefined) return `registry ${registry}`;
  return repository === undefined ? "" : `repository ${repository}`;
}
