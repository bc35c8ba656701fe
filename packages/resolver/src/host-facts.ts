import { ResolveError } from "./errors.ts";
import { quote } from "@berth/base";
import { tryParseVersion } from "./version.ts";
import type { Version } from "./version.ts";

/** Weakest walls first. */
export const securityLevels = ["minimal", "standard", "strict", "isolated"] as const;
export type SecurityLevel = (typeof securityLevels)[number];

/** What the host is. An absent fact constrains nothing: the caller does not know, or does not care. */
export interface HostFacts {
  /** Version of the Berth API that the host implements. */
  readonly api?: string;
  /** Where plugins would run: `linux-x64`, `darwin-arm64` … */
  readonly platform?: string;
  /** The strongest level that this machine can give. */
  readonly highestLevel?: SecurityLevel;
}

/** Host facts, checked. */
export interface Host {
  readonly api: Version | undefined;
  readonly platform: string | undefined;
  readonly highestLevel: SecurityLevel | undefined;
}

/** @throws ResolveError RESOLVE_REQUEST_INVALID for an API version that is none, or an unknown level. */
export function parseHostFacts(facts: HostFacts = {}): Host {
  const api = facts.api === undefined ? undefined : tryParseVersion(facts.api);
  if (facts.api !== undefined && api === undefined) {
    throw new ResolveError("RESOLVE_REQUEST_INVALID", `The host's API version ${quote(facts.api)} is not a version`);
  }
  if (facts.highestLevel !== undefined && !isSecurityLevel(facts.highestLevel)) {
    throw new ResolveError("RESOLVE_REQUEST_INVALID", `${quote(facts.highestLevel)} is not a security level`);
  }
  return { api, platform: facts.platform, highestLevel: facts.highestLevel };
}

export function isSecurityLevel(value: unknown): value is SecurityLevel {
  return securityLevels.some((level) => level === value);
}

/** Whether a machine that can give `highest` can run a plugin that accepts nothing below `wanted`. */
export function canGiveLevel(highest: SecurityLevel, wanted: SecurityLevel): boolean {
  return securityLevels.indexOf(wanted) <= securityLevels.indexOf(highest);
}
