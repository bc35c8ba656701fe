import { quote } from "@berth/base";
import { covers, formatPermission } from "@berth/spec";
import type { Permission } from "@berth/spec";
import type { PublicKeyRecord, TrustedKey } from "@berth/trust";

import { HostError } from "../errors.ts";
import type { StoredFacts } from "../lifecycle/plugin-record.ts";
import { makeStoredManifest } from "../lifecycle/stored-manifest.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Policy } from "../policy.ts";
import type { Grant, Grants } from "../rights/grants.ts";
import type { Plan } from "./plan.ts";
import { verifyNoPublicKey } from "./signer.ts";

/** What a person or a policy agreed to. */
export interface Consent {
  /** Permissions granted; each must cover what the manifest asks. */
  readonly grant: readonly Permission[];
  /** The key to pin when the plan's signer is `first-use`. */
  readonly trustKey?: string;
  /** Content digest of a development folder's package: agrees to run exactly that, which nobody signed. */
  readonly unsigned?: string;
  /** False: installed and left switched off. Default true; an update leaves the switch as it is. */
  readonly enable?: boolean;
  /** Whether the release may have a lower version than the installed one. Default false. */
  readonly allowDowngrade?: boolean;
}

/** One plan with the consent to it, and how the plugin came here. */
export interface InstallItem {
  readonly plan: Plan;
  readonly consent: Consent;
  /** Address of the registry; `undefined` for a file. */
  readonly registry: string | undefined;
  /** The range that somebody asked for; `undefined` for what others need. */
  readonly askedRange: string | undefined;
}

/** What a plan and the consent to it come to: what is stored when nothing goes wrong. */
export interface Change {
  readonly plan: Plan;
  readonly facts: StoredFacts;
  readonly before: StoredFacts | undefined;
  readonly granted: readonly ChosenGrant[];
  /** The publisher's key, when it is pinned with this change. */
  readonly newKey: PublicKeyRecord | undefined;
}

/** One grant that a release will hold. */
export interface ChosenGrant {
  readonly grant: Grant;
  readonly isNew: boolean;
}

/** What consent is compared with. All of it belongs to the host. */
export interface ConsentParts {
  readonly plugins: PluginTable;
  readonly grants: Grants;
  readonly policy: Policy;
  readonly now: () => Date;
}

/**
 * Compares consent and trust with what a plan needs.
 *
 * @throws HostError HOST_PLAN_STALE, HOST_DOWNGRADE_UNCONSENTED, HOST_CONSENT_MISSING, HOST_KEY_UNTRUSTED,
 *   HOST_DEPLOYMENT_REFUSED
 */
export function prepareChange(
  { plan, consent, registry, askedRange }: InstallItem,
  trusted: readonly TrustedKey[],
  parts: ConsentParts,
): Change {
  const { manifest, signer } = plan;
  const { id } = manifest;
  const before = parts.plugins.find(id)?.facts;
  if (before?.version !== plan.replaces || before?.contentDigest === plan.contentDigest) {
    throw new HostError("HOST_PLAN_STALE", `${id} changed since the plan was made`);
  }
  if (plan.isDowngrade && consent.allowDowngrade !== true) {
    throw new HostError(
      "HOST_DOWNGRADE_UNCONSENTED",
      `${id} ${manifest.version} would replace ${before?.version}, and nobody agreed to go back to a lower version`,
    );
  }
  const installedAt = parts.now().toISOString();
  const granted = chooseGrants(plan, consent, installedAt, parts);
  const newKey = keyToPin(plan, consent, trusted, parts.now());
  const facts: StoredFacts = {
    // The plan goes; what stays in memory is what would be read at the next start.
    manifest: makeStoredManifest(JSON.stringify(manifest), manifest),
    version: manifest.version,
    contentDigest: plan.contentDigest,
    fileDigest: plan.fileDigest,
    keyId: signer.keyId,
    installedAt,
    state: before?.state ?? (consent.enable === false ? "installed" : "enabled"),
    registry,
    developmentFolder: signer.status === "development" ? signer.folder : undefined,
    // What somebody asked for once stays asked for, also when it is replaced because others need it.
    askedRange: askedRange ?? before?.askedRange,
  };
  return { plan, facts, before, granted, newKey };
}

/** Compares who signed with whom the host trusts by now; gives the key that the install pins. */
function keyToPin(
  { manifest, signer, contentDigest }: Plan,
  consent: Consent,
  trusted: readonly TrustedKey[],
  now: Date,
): PublicKeyRecord | undefined {
  const { publisher, keyId, fingerprint } = signer;
  if (signer.status === "development") {
    if (consent.unsigned === contentDigest) return undefined;
    throw new HostError(
      "HOST_CONSENT_MISSING",
      `${manifest.id} comes from the development folder ${quote(signer.folder, 200)}, and nobody agreed to run this content of it unsigned`,
    );
  }
  if (signer.status === "deployment") {
    verifyNoPublicKey(publisher, trusted);
    if (signer.expires <= now.toISOString())
      throw new HostError("HOST_PLAN_STALE", `what the deployment said of ${manifest.id} held until ${signer.expires}`);
    return undefined;
  }
  if (trusted.some((key) => key.publisher === publisher && key.keyId === keyId)) return undefined;
  if (consent.trustKey === keyId) return signer.key;
  throw new HostError(
    "HOST_KEY_UNTRUSTED",
    `${manifest.id} is signed by ${fingerprint}, which nobody has confirmed as a key of ${publisher}`,
  );
}

/**
 * Every required permission needs consent, of a person or of the policy; optional ones stay open until somebody
 * grants them. What was granted before keeps its end and its history.
 */
function chooseGrants(
  plan: Plan,
  consent: Consent,
  grantedAt: string,
  { grants, policy }: ConsentParts,
): ChosenGrant[] {
  const { id } = plan.manifest;
  const held = grants.of(id);
  const expiresAt = policy.grantDays === undefined ? undefined : afterDays(grantedAt, policy.grantDays);
  const consented = new Set(consent.grant.map(formatPermission));
  const chosen: ChosenGrant[] = [];
  for (const { permission, isOptional, isGranted, isDeniedByPolicy } of plan.permissions) {
    const before = held.find((grant) => covers(grant.permission, permission));
    const isConsented = consented.has(formatPermission(permission)) && !isDeniedByPolicy;
    if (before !== undefined) chosen.push({ grant: { ...before, permission }, isNew: false });
    else if (isGranted) continue; // By the policy, which may change its mind.
    else if (isConsented)
      chosen.push({ grant: { permission, grantedAt, expiresAt, lastUsedAt: undefined }, isNew: true });
    else if (!isOptional) {
      throw new HostError("HOST_CONSENT_MISSING", `${id} requires ${permission.name}, and nobody agreed to it`, {
        details: { permission },
      });
    }
  }
  return chosen;
}

const afterDays = (instant: string, days: number): string =>
  new Date(Date.parse(instant) + days * 86_400_000).toISOString();
