import { readPackage } from "@berth/archive";
import { quote } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";
import {
  API_VERSION,
  MANIFEST_FILE,
  SpecError,
  coveringGrant,
  covers,
  explainPermission,
  isDangerous,
  isLowerVersion,
  parseManifest,
  permissionOf,
  strongerLevel,
  versionInRange,
} from "@berth/spec";
import type { Limits, Manifest, Permission, SecurityLevel } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { PluginPolicy } from "../policy.ts";
import { explainRisks } from "../rights/warnings.ts";
import { fitToLevel } from "./fit-to-level.ts";
import { developmentSigner, unsigned, verifySigner } from "./signer.ts";
import type { PlannedSigner, SignedPackage, TrustState } from "./signer.ts";

/** Where a package keeps its publisher's statement. */
export const RELEASE_ENVELOPE = "META/release.dsse";
/** Where it keeps that of a deployment. */
export const DEPLOYMENT_ENVELOPE = "META/deployment.dsse";

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
  /** The operator's policy forbids it, or has not granted what is the operator's alone to grant. */
  readonly isDeniedByPolicy: boolean;
  /** The operator's policy gives less than the manifest asks for. */
  readonly isNarrowedByPolicy: boolean;
}

/** What installing a package would do. Everything in it was verified; nothing was changed. */
export interface Plan {
  readonly manifest: Manifest;
  readonly contentDigest: string;
  readonly fileDigest: string;
  readonly signer: PlannedSigner;
  readonly permissions: readonly PlannedPermission[];
  /** What stands out when all of it is agreed to, one sentence each. */
  readonly warnings: readonly string[];
  readonly level: SecurityLevel;
  readonly limits: Limits;
  /** What the level lacks on this machine, in words; empty when nothing does. */
  readonly reducedBy: readonly string[];
  /** The release that would be replaced. */
  readonly replaces: string | undefined;
  /** Whether it has a lower version than the release that would be replaced; that needs a consent of its own. */
  readonly isDowngrade: boolean;
  readonly packageBytes: Uint8Array;
}

/** A plan before the machine was asked for its walls. */
export type PlanOfPackage = Omit<Plan, "reducedBy"> & { readonly engine: EngineDescriptor };

/** What a plan depends on besides the package. */
export interface PlanningState extends TrustState {
  /** The development folder it was built from: then nobody needs to vouch for it but whoever consents. */
  readonly developmentFolder: string | undefined;
  readonly policy: PluginPolicy;
  readonly engines: readonly EngineDescriptor[];
  readonly installed: { readonly version: string; readonly fileDigest: string } | undefined;
  /** What persons and the policy have granted already. */
  readonly grants: readonly Permission[];
}

/** A package as far as it can be read without trusting it. */
export interface OpenedPackage extends SignedPackage {
  readonly fileDigest: string;
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
  readonly packageBytes: Uint8Array;
}

/** Reads archive and manifest. Whether anybody signed it, and whom we trust, is looked at by `makePlan`. */
export function openPackage(packageBytes: Uint8Array): OpenedPackage {
  const opened = openUnsigned(packageBytes);
  const { envelope, deploymentEnvelope, unverifiedManifest } = opened;
  // Before anybody is asked what such a package depends on.
  if (envelope === undefined && deploymentEnvelope === undefined) throw unsigned(unverifiedManifest, "signature");
  return opened;
}

/** As `openPackage`, for packages that may carry no signature at all: those of development folders. */
export function openUnsigned(packageBytes: Uint8Array): OpenedPackage {
  const { files, contentDigest, fileDigest, envelopes } = readPackage(packageBytes);
  const manifestFile = files.get(MANIFEST_FILE);
  if (manifestFile === undefined) {
    throw new SpecError("SPEC_MANIFEST_INVALID", `the package has no ${MANIFEST_FILE} at its root`);
  }
  const unverifiedManifest = parseManifest(manifestFile.bytes);
  const envelope = envelopes.get(RELEASE_ENVELOPE);
  const deploymentEnvelope = envelopes.get(DEPLOYMENT_ENVELOPE);
  return { unverifiedManifest, contentDigest, fileDigest, files, envelope, deploymentEnvelope, packageBytes };
}

/**
 * Verifies a package against what the host trusts and can do, and tells what installing it would mean.
 *
 * @throws as `verifySigner`; HostError HOST_API_UNSUPPORTED,
 *   HOST_RUNTIME_UNSUPPORTED, HOST_LIMITS_TOO_HIGH, HOST_ENTRY_MISSING,
 *   HOST_POLICY_DENIES
 */
export function makePlan(opened: OpenedPackage, state: PlanningState): PlanOfPackage {
  const { developmentFolder } = state;
  const signer =
    developmentFolder === undefined
      ? verifySigner(opened, state)
      : developmentSigner(opened.unverifiedManifest, developmentFolder);
  // Only now, with the publisher's signature over its digest, is the manifest worth reading.
  const manifest = opened.unverifiedManifest;
  refuseUnsupported(manifest);
  const level = strongerLevel(manifest.level, state.policy.level);
  const { engine, limits } = fitToLevel(manifest, level, state.engines);
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
      isDeniedByPolicy: isDeniedBy(state.policy, permission),
      isNarrowedByPolicy: state.policy.ceilings.some(
        (ceilings) =>
          ceilings.some(({ name }) => name === permission.name) && coveringGrant(ceilings, permission) === undefined,
      ),
    };
  });
  const denied = permissions.find(({ isOptional, isDeniedByPolicy }) => isDeniedByPolicy && !isOptional);
  if (denied !== undefined) {
    throw new HostError(
      "HOST_POLICY_DENIES",
      `${manifest.id} requires ${denied.permission.name}, which this host's policy does not give it`,
    );
  }
  return {
    manifest,
    contentDigest: opened.contentDigest,
    fileDigest: opened.fileDigest,
    signer,
    permissions,
    warnings: explainRisks(permissions.map(({ permission }) => permission)),
    level,
    limits,
    engine,
    replaces: state.installed?.version,
    isDowngrade: state.installed !== undefined && isLowerVersion(manifest.version, state.installed.version),
    packageBytes: opened.packageBytes,
  };
}

function isDeniedBy(policy: PluginPolicy, permission: Permission): boolean {
  if (policy.deny.has(permission.name)) return true;
  return permission.name === "network_unrestricted" && coveringGrant(policy.grants, permission) === undefined;
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
}
