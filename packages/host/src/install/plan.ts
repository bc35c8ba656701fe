import { readPackage } from "@berth/archive";
import type { EngineDescriptor } from "@berth/sandbox";
import {
  MANIFEST_FILE,
  SpecError,
  coveringGrant,
  covers,
  explainPermission,
  isDangerous,
  isLowerVersion,
  parseManifest,
  permissionOf,
} from "@berth/spec";
import type { Limits, Manifest, Permission, SecurityLevel } from "@berth/spec";

import type { StoredFacts } from "../lifecycle/plugin-record.ts";
import type { PluginPolicy } from "../policy.ts";
import { explainRisks } from "../rights/warnings.ts";
import { fitToHost, isDeniedBy } from "./fit-to-host.ts";
import type { FittedPackage, HostFooting } from "./fit-to-host.ts";
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
  /** Whether nothing of a call stays in memory for the next one: manifest or policy say strict. */
  readonly isFresh: boolean;
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
export type PlanOfPackage = Omit<Plan, "reducedBy" | "packageBytes"> & { readonly engine: EngineDescriptor };

/** What a plan depends on besides the package. */
export interface PlanningState extends TrustState, HostFooting {
  /** Where there is one, nobody needs to vouch for the package but whoever consents. */
  readonly developmentFolder: string | undefined;
  readonly policy: PluginPolicy;
  readonly installed: Pick<StoredFacts, "version" | "contentDigest" | "developmentFolder"> | undefined;
  /** What persons and the policy have granted already. */
  readonly grants: readonly Permission[];
}

/** A package as far as it can be read without trusting it. */
export interface OpenedPackage extends SignedPackage {
  readonly fileDigest: string;
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array }>;
  readonly packageBytes: Uint8Array;
}

/** What a plan is made of. */
export interface PackageOutline extends SignedPackage, FittedPackage {
  readonly fileDigest: string;
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
 * @throws as `verifySigner` and `fitToHost`
 */
export function makePlan(opened: PackageOutline, state: PlanningState): PlanOfPackage {
  const { developmentFolder, installed } = state;
  const signer =
    developmentFolder === undefined
      ? verifySigner(opened, state)
      : developmentSigner(opened.unverifiedManifest, developmentFolder);
  // Only now, with the publisher's signature over its digest, is the manifest worth reading.
  const manifest = opened.unverifiedManifest;
  const fitted = fitToHost(opened, state);
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
  return {
    manifest,
    contentDigest: opened.contentDigest,
    fileDigest: opened.fileDigest,
    signer,
    permissions,
    warnings: explainRisks(permissions.map(({ permission }) => permission)),
    ...fitted,
    replaces: installed?.version,
    isDowngrade: installed !== undefined && isLowerVersion(manifest.version, installed.version),
  };
}
