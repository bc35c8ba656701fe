import { quote } from "@berth/base";
import type { EngineDescriptor } from "@berth/sandbox";
import { API_VERSION, coveringGrant, permissionOf, versionInRange } from "@berth/spec";
import type { Limits, Manifest, Permission } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { StoredFacts } from "../lifecycle/plugin-record.ts";
import type { PluginPolicy } from "../policy.ts";
import { fitToLevel, footingOf } from "./fit-to-level.ts";
import type { Footing } from "./fit-to-level.ts";

/** What a host takes a package by, whoever vouches for it. */
export interface HostFooting {
  /** The development folder it was built from. */
  readonly developmentFolder: string | undefined;
  readonly policy: Pick<PluginPolicy, "level" | "isFresh" | "deny" | "grants">;
  readonly engines: readonly EngineDescriptor[];
  readonly installed: Pick<StoredFacts, "developmentFolder"> | undefined;
}

/** A package's manifest, and which paths are in it. */
export interface FittedPackage {
  readonly unverifiedManifest: Manifest;
  readonly files: Pick<ReadonlySet<string>, "has">;
}

/**
 * Everything for which a host refuses a package whoever vouches for it, and how it would be run. Compares neither
 * globs nor hosts, so that strangers' manifests may be judged by the hundred.
 *
 * @throws HostError HOST_DEVELOPMENT_TAKEN, HOST_API_UNSUPPORTED, HOST_ENTRY_MISSING, HOST_POLICY_DENIES; as
 *   `fitToLevel`
 */
export function fitToHost(
  { unverifiedManifest: manifest, files }: FittedPackage,
  { developmentFolder, policy, engines, installed }: HostFooting,
): Footing & { readonly engine: EngineDescriptor; readonly limits: Limits } {
  const { id, runtime } = manifest;
  if (installed !== undefined && installed.developmentFolder !== developmentFolder)
    throw taken(id, installed.developmentFolder);
  refuseUnsupported(manifest);
  const footing = footingOf(manifest, policy);
  const fitted = fitToLevel(manifest, footing, engines);
  if (!files.has(runtime.entry)) {
    throw new HostError(
      "HOST_ENTRY_MISSING",
      `the manifest wants to load ${quote(runtime.entry)}, which is not in the package`,
    );
  }
  const denied = manifest.permissions.find((request) => !request.optional && isDeniedBy(policy, permissionOf(request)));
  if (denied !== undefined) {
    throw new HostError(
      "HOST_POLICY_DENIES",
      `${id} requires ${denied.name}, which this host's policy does not give it`,
    );
  }
  return { ...footing, ...fitted };
}

/** Whether the policy forbids a permission, or has not granted what is the operator's alone to grant. */
export function isDeniedBy({ deny, grants }: Pick<PluginPolicy, "deny" | "grants">, permission: Permission): boolean {
  if (deny.has(permission.name)) return true;
  return permission.name === "network_unrestricted" && coveringGrant(grants, permission) === undefined;
}

/** Grants, secrets and data were given to code that somebody else vouches for. */
function taken(id: string, developmentFolder: string | undefined): HostError {
  const from = developmentFolder === undefined ? "a signed package" : quote(developmentFolder, 200);
  return new HostError(
    "HOST_DEVELOPMENT_TAKEN",
    `${id} is installed from ${from}, whose rights and data are not for this`,
    {
      hint: `Uninstall it first: berth uninstall ${id}`,
    },
  );
}

/** A host accepts only what it implements: silence would mean a plugin that half works. */
function refuseUnsupported({ id, version, api }: Manifest): void {
  if (versionInRange(API_VERSION, api)) return;
  throw new HostError(
    "HOST_API_UNSUPPORTED",
    `${id} ${version} needs the Berth API ${api}, this host has ${API_VERSION}`,
  );
}
