import { parseEnvelope, parsePluginId } from "@berth/spec";
import type { Manifest } from "@berth/spec";
import { decideTrust, formatFingerprint, unverifiedSignerKeys, verifyDeployment, verifyRelease } from "@berth/trust";
import type { DeploymentKey, ExpectedRelease, PublicKeyRecord, TrustedKey } from "@berth/trust";

import { HostError } from "../errors.ts";

/** Who vouches for a package, and what that is worth on this host. */
export type PlannedSigner = PublisherSigner | DeploymentSigner | DevelopmentSigner;

interface AnySigner {
  readonly publisher: string;
  readonly keyId: string;
  readonly fingerprint: string;
}

/** The publisher, by a key of theirs. */
export interface PublisherSigner extends AnySigner {
  /** `first-use`: the publisher is unknown here; installing pins the key. */
  readonly status: "trusted" | "first-use";
  readonly key: PublicKeyRecord;
  /** Other publishers for whom this host trusts the very same key. */
  readonly alsoTrustedFor: readonly string[];
}

/** A holder of the deployment's secret, who may be anybody in it: never the publisher. */
export interface DeploymentSigner extends AnySigner {
  readonly status: "deployment";
  readonly repository: string;
  /** ISO instant from which on it is not installed any more. What is installed stays. */
  readonly expires: string;
}

/** Nobody: it was built from a development folder of this host. `keyId` and `fingerprint` are `unsigned`. */
export interface DevelopmentSigner extends AnySigner {
  readonly status: "development";
  /** Real path. */
  readonly folder: string;
}

/** A deployment, says the package: nobody asked for the secret with which that could be checked. */
export interface UncheckedDeployment {
  readonly status: "unchecked-deployment";
  readonly publisher: string;
  /** The trust domain of this host, whose secret it takes. */
  readonly repository: string;
}

/** What is signed, and by which envelopes. */
export interface SignedPackage {
  readonly unverifiedManifest: Manifest;
  readonly contentDigest: string;
  /** The publisher's. */
  readonly envelope: Uint8Array | undefined;
  readonly deploymentEnvelope: Uint8Array | undefined;
}

/** Whom a host trusts. */
export interface TrustState {
  /** Whether an unknown publisher's key may be pinned. */
  readonly trustOnFirstUse: boolean;
  /** The trust domain that a bound statement must name: of the registry it came from, or of this host for a file. */
  readonly repository: string | undefined;
  readonly trustedKeys: readonly TrustedKey[];
  /** Secrets of the one repository that the policy names. */
  readonly deploymentKeys: readonly DeploymentKey[];
  readonly now: Date;
}

/**
 * Verifies who vouches for a package. A publisher's statement decides wherever there is one; a deployment's
 * counts only where it stands alone.
 *
 * @throws SpecError, TrustError, HostError HOST_KEY_CHANGED, HOST_KEY_UNTRUSTED, HOST_DEPLOYMENT_REFUSED
 */
export function verifySigner(signed: SignedPackage, trust: TrustState): PlannedSigner {
  const { envelope, deploymentEnvelope } = signed;
  if (envelope !== undefined) return verifyPublisher(signed, envelope, trust);
  if (deploymentEnvelope !== undefined) return verifyDeployed(signed, deploymentEnvelope, trust);
  throw unsigned(signed.unverifiedManifest, "signature");
}

/**
 * Verifies who vouches for a package as far as that goes without a secret, which may have to be asked of a person.
 *
 * @throws as `verifySigner`
 */
export function verifyWithoutSecrets(
  signed: SignedPackage,
  trust: Omit<TrustState, "deploymentKeys">,
): PublisherSigner | UncheckedDeployment {
  const { unverifiedManifest, envelope, deploymentEnvelope } = signed;
  if (envelope !== undefined) return verifyPublisher(signed, envelope, trust);
  if (deploymentEnvelope === undefined) throw unsigned(unverifiedManifest, "signature");
  const { publisher } = parsePluginId(unverifiedManifest.id);
  verifyNoPublicKey(publisher, trust.trustedKeys);
  parseEnvelope(deploymentEnvelope);
  const { repository } = trust;
  if (repository === undefined) throw noSecret(unverifiedManifest);
  return { status: "unchecked-deployment", publisher, repository };
}

export function developmentSigner({ id }: Manifest, folder: string): DevelopmentSigner {
  const { publisher } = parsePluginId(id);
  return { status: "development", publisher, keyId: UNSIGNED, fingerprint: UNSIGNED, folder };
}

/** Stands where a key id does, for what nobody signed. */
const UNSIGNED = "unsigned";

/**
 * The one envelope of a package by a publisher or by a deployment, unverified.
 *
 * @throws HostError HOST_PACKAGE_UNSIGNED
 */
export function unverifiedEnvelopeOf(signed: SignedPackage, by: "publisher" | "deployment"): Uint8Array {
  const envelope = by === "publisher" ? signed.envelope : signed.deploymentEnvelope;
  if (envelope === undefined) throw unsigned(signed.unverifiedManifest, `signature of its ${by}`);
  return envelope;
}

export function unsigned({ id, version }: Manifest, what: string): HostError {
  return new HostError("HOST_PACKAGE_UNSIGNED", `${id} ${version} carries no ${what}`, {
    hint: "Sign it: berth sign FILE",
  });
}

function verifyPublisher(
  { unverifiedManifest, contentDigest }: SignedPackage,
  envelope: Uint8Array,
  { trustOnFirstUse, trustedKeys, repository, now }: Omit<TrustState, "deploymentKeys">,
): PublisherSigner {
  const { id, version } = unverifiedManifest;
  const { publisher } = parsePluginId(id);
  const signers = unverifiedSignerKeys(envelope);
  const decision = decideTrust({ publisher, trusted: trustedKeys, signers });
  if (decision.status === "wrong-key") {
    const list = (keyIds: readonly string[]): string => keyIds.map(formatFingerprint).join(", ");
    throw new HostError(
      "HOST_KEY_CHANGED",
      `${id} ${version} is signed by ${list(decision.found) || "nobody known"}; for ${publisher} this host trusts ${list(decision.known)}`,
      {
        hint: "Somebody may pretend to be the publisher. Ask them on another way before you trust a new key.",
      },
    );
  }
  const { key } = decision;
  const expected = { plugin: id, version, contentDigest, now, ...(repository !== undefined && { repository }) };
  verifyRelease({ envelope, expected, keys: [key] });
  if (decision.status === "first-use" && !trustOnFirstUse) {
    throw new HostError(
      "HOST_KEY_UNTRUSTED",
      `this host was not told to trust a key of ${publisher}; the package is signed by ${formatFingerprint(key.keyId)}`,
    );
  }
  const { keyId, algorithm, publicKey } = key;
  return {
    publisher,
    keyId,
    fingerprint: formatFingerprint(keyId),
    status: decision.status,
    key: { keyId, algorithm, publicKey },
    alsoTrustedFor: trustedKeys
      .filter((each) => each.keyId === keyId && each.publisher !== publisher)
      .map((each) => each.publisher),
  };
}

function verifyDeployed(
  { unverifiedManifest, contentDigest }: SignedPackage,
  envelope: Uint8Array,
  { trustedKeys, deploymentKeys, repository, now }: TrustState,
): DeploymentSigner {
  const { id, version } = unverifiedManifest;
  const { publisher } = parsePluginId(id);
  verifyNoPublicKey(publisher, trustedKeys);
  // The keys are of the policy's repository; a package from a registry of another name is none of theirs.
  const usable = deploymentKeys.filter((each) => each.repository === repository);
  const { signatures } = parseEnvelope(envelope);
  const key = usable.find(({ keyId }) => signatures.some((signature) => signature.keyId === keyId)) ?? usable[0];
  if (key === undefined) throw noSecret(unverifiedManifest);
  const expected: ExpectedRelease = { plugin: id, version, contentDigest, now };
  const { expires } = verifyDeployment({ envelope, expected, key });
  const { keyId } = key;
  const fingerprint = formatFingerprint(keyId);
  return { publisher, keyId, fingerprint, status: "deployment", repository: key.repository, expires };
}

function noSecret({ id, version }: Manifest): HostError {
  return new HostError(
    "HOST_DEPLOYMENT_REFUSED",
    `${id} ${version} is vouched for by a deployment's secret alone, and this host has none for where it came from`,
  );
}

/**
 * Whoever holds a deployment's secret can forge what it vouches for. So it never speaks for a name that has a
 * public key, of which only its publisher has the private half.
 *
 * @throws HostError HOST_DEPLOYMENT_REFUSED
 */
export function verifyNoPublicKey(publisher: string, trustedKeys: readonly TrustedKey[]): void {
  const own = trustedKeys.filter((key) => key.publisher === publisher);
  if (own.length === 0) return;
  throw new HostError(
    "HOST_DEPLOYMENT_REFUSED",
    `for ${publisher} this host trusts ${own.map(({ keyId }) => formatFingerprint(keyId)).join(", ")}, so a deployment's secret does not vouch for it`,
    { hint: "Install a release that its publisher signed." },
  );
}
