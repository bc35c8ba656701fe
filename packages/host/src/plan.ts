import { readPackage } from "@berth/archive";
import { quote } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";
import {
  API_VERSION,
  DEFAULT_LIMITS,
  LIMIT_CEILINGS,
  MANIFEST_FILE,
  SpecError,
  covers,
  explainPermission,
  isDangerous,
  parseManifest,
  parsePluginId,
  permissionOf,
  strongerLevel,
  versionInRange,
} from "@berth/spec";
import type { Limits, Manifest, Permission, SecurityLevel } from "@berth/spec";
import { decideTrust, formatFingerprint, unverifiedSignerKeys, verifyRelease } from "@berth/trust";
import type { PublicKeyRecord, TrustedKey } from "@berth/trust";

import { HostError } from "./errors.ts";
import type { Policy } from "./policy.ts";

/** Where a package keeps its publisher's statement. */
export const RELEASE_ENVELOPE = "META/release.dsse";

/** One permission of a plan, in words for the person who is asked. */
export interface PlannedPermission {
  readonly permission: Permission;
  /** What it allows. */
  readonly text: string;
  /** The author's reason. */
  readonly reason: string;
  readonly isOptional: boolean;
  readonly isDangerous: boolean;
  /** Already granted to the installed release, so it is not asked for again. */
  readonly isGranted: boolean;
  /** The operator's policy forbids it. */
  readonly isDeniedByPolicy: boolean;
}

/** Who signed, and whether this host trusts that key. */
export interface PlannedSigner {
  readonly publisher: string;
  readonly keyId: string;
  readonly fingerprint: string;
  /** `first-use`: the publisher is unknown here; installing pins the key. */
  readonly status: "trusted" | "first-use";
  readonly key: PublicKeyRecord;
}

/** What installing a package would do. Everything in it was verified; nothing was changed. */
export interface Plan {
  readonly manifest: Manifest;
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly signer: PlannedSigner;
  readonly permissions: readonly PlannedPermission[];
  readonly level: SecurityLevel;
  readonly limits: Limits;
  /** What the level lacks on this machine, in words; empty when nothing does. */
  readonly reducedBy: readonly string[];
  /** The release that would be replaced. */
  readonly replaces: string | undefined;
  readonly packageBytes: Uint8Array;
}

/** What a plan depends on besides the package. */
export interface PlanningState {
  readonly policy: Policy;
  readonly engines: readonly EngineDescriptor[];
  readonly trustedKeys: readonly TrustedKey[];
  readonly installed: { readonly version: string; readonly fileDigest: string } | undefined;
  readonly grants: readonly Permission[];
  readonly now: Date;
}

/** A package as far as it can be read without trusting it. */
export interface OpenedPackage {
  readonly unverifiedManifest: Manifest;
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
  readonly envelope: Uint8Array;
  readonly packageBytes: Uint8Array;
}

/** Reads archive and manifest. Signature and trust are looked at by `makePlan`. */
export function openPackage(packageBytes: Uint8Array): OpenedPackage {
  const { files, contentDigest, fileDigest, envelopes } = readPackage(packageBytes);
  const manifestFile = files.get(MANIFEST_FILE);
  if (manifestFile === undefined) {
    throw new SpecError("SPEC_MANIFEST_INVALID", `the package has no ${MANIFEST_FILE} at its root`);
  }
  const unverifiedManifest = parseManifest(manifestFile.bytes);
  const envelope = envelopes.get(RELEASE_ENVELOPE);
  if (envelope === undefined) {
    throw new HostError(
      "HOST_PACKAGE_UNSIGNED",
      `${unverifiedManifest.id} ${unverifiedManifest.version} carries no signature`,
      {
        hint: "Sign it: berth sign FILE",
      },
    );
  }
  return { unverifiedManifest, contentDigest, fileDigest, files, envelope, packageBytes };
}

/**
 * Verifies a package against what the host trusts and can do, and tells what installing it would mean.
 *
 * @throws TrustError, HostError HOST_KEY_CHANGED, HOST_KEY_UNTRUSTED, HOST_API_UNSUPPORTED,
 *   HOST_RUNTIME_UNSUPPORTED, HOST_FEATURE_UNSUPPORTED, HOST_LIMITS_TOO_HIGH, HOST_ENTRY_MISSING,
 *   HOST_POLICY_DENIES
 */
export function makePlan(opened: OpenedPackage, state: PlanningState): Plan {
  const signer = verifySigner(opened, state);
  // Only now, with the publisher's signature over its digest, is the manifest worth reading.
  const manifest = opened.unverifiedManifest;
  refuseUnsupported(manifest);
  const level = strongerLevel(manifest.level, state.policy.level);
  chooseEngine(manifest, level, state.engines);
  const limits = limitsOf(manifest, level);
  if (!opened.files.has(manifest.runtime.entry)) {
    throw new HostError(
      "HOST_ENTRY_MISSING",
      `the manifest wants to load ${quote(manifest.runtime.entry)}, which is not in the package`,
    );
  }
  const permissions = manifest.permissions.map((request): PlannedPermission => {
    const permission = permissionOf(request);
    return {
      permission,
      text: explainPermission(permission),
      reason: request.reason,
      isOptional: request.optional,
      isDangerous: isDangerous(permission),
      isGranted: state.grants.some((grant) => covers(grant, permission)),
      isDeniedByPolicy: state.policy.deny.includes(permission.name),
    };
  });
  const denied = permissions.find(({ isOptional, isDeniedByPolicy }) => isDeniedByPolicy && !isOptional);
  if (denied !== undefined) {
    throw new HostError(
      "HOST_POLICY_DENIES",
      `${manifest.id} requires ${denied.permission.name}, which this host's policy denies to every plugin`,
    );
  }
  return {
    manifest,
    contentDigest: opened.contentDigest,
    fileDigest: opened.fileDigest,
    signer,
    permissions,
    level,
    limits,
    reducedBy: ["no operating-system walls yet: the plugin runs in a process of its own, as the same user"],
    replaces: state.installed?.version,
    packageBytes: opened.packageBytes,
  };
}

function verifySigner(
  { unverifiedManifest, contentDigest, envelope }: OpenedPackage,
  { policy, trustedKeys, now }: PlanningState,
): PlannedSigner {
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
  verifyRelease({ envelope, expected: { plugin: id, version, contentDigest, now }, keys: [key] });
  if (decision.status === "first-use" && !policy.trustOnFirstUse) {
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
  };
}

/** A host accepts only what it implements: silence would mean a plugin that half works. */
function refuseUnsupported(manifest: Manifest): void {
  const { id, version } = manifest;
  if (!versionInRange(API_VERSION, manifest.api)) {
    throw new HostError(
      "HOST_API_UNSUPPORTED",
      `${id} ${version} needs the Berth API ${manifest.api}, this host has ${API_VERSION}`,
    );
  }
  const unsupported = [
    ...Object.keys(manifest.dependencies).map((name) => `dependency ${name}`),
    ...(manifest.config === undefined ? [] : ["settings (config)"]),
    ...manifest.secrets.map((name) => `secret ${name}`),
  ];
  if (unsupported.length > 0) {
    throw new HostError(
      "HOST_FEATURE_UNSUPPORTED",
      `${id} ${version} needs what this host does not have yet: ${unsupported.join(", ")}`,
    );
  }
}

/** @throws HostError HOST_RUNTIME_UNSUPPORTED */
export function chooseEngine(
  manifest: Manifest,
  level: SecurityLevel,
  engines: readonly EngineDescriptor[],
): EngineDescriptor {
  const { kind } = manifest.runtime;
  const engine = engines.find(({ runtimes, levels }) => runtimes.includes(kind) && levels.includes(level));
  if (engine !== undefined) return engine;
  const offered = engines.flatMap(({ runtimes, levels }) =>
    runtimes.flatMap((each) => levels.map((at) => `${each} at ${at}`)),
  );
  throw new HostError(
    "HOST_RUNTIME_UNSUPPORTED",
    `${manifest.id} needs ${kind} at level ${level}; this host runs ${offered.join(", ") || "nothing"}`,
  );
}

/** @throws HostError HOST_LIMITS_TOO_HIGH */
export function limitsOf(manifest: Manifest, level: SecurityLevel): Limits {
  const asked = manifest.limits;
  const limits: Limits = {
    memoryMiB: asked.memoryMiB ?? DEFAULT_LIMITS.memoryMiB,
    cpuMs: asked.cpuMs ?? DEFAULT_LIMITS.cpuMs,
    wallMs: asked.wallMs ?? DEFAULT_LIMITS.wallMs,
  };
  const ceiling = LIMIT_CEILINGS[level];
  for (const name of ["memoryMiB", "cpuMs", "wallMs"] as const) {
    if (limits[name] <= ceiling[name]) continue;
    throw new HostError(
      "HOST_LIMITS_TOO_HIGH",
      `${manifest.id} asks for ${name} ${limits[name]}; level ${level} gives at most ${ceiling[name]}`,
    );
  }
  return limits;
}
