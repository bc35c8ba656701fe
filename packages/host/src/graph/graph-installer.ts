import { HostError } from "../errors.ts";
import type { InstallItem } from "../install/consent.ts";
import type { Installer, InstallerParts } from "../install/installer.ts";
import type { PluginRecord } from "../lifecycle/plugin-record.ts";
import { bindRecord, bindStatement } from "../registry/registry-book.ts";
import type { PublisherBinding } from "../registry/registry-book.ts";
import type { GraphConsent, GraphPlan } from "./graph-plan.ts";

/** The state of the host that plans are compared with. */
export interface GraphState extends Pick<InstallerParts, "plugins"> {
  readonly bindings: readonly PublisherBinding[];
}

/**
 * What a plan asks an installer for, when the host is as it was and every finding was confirmed.
 *
 * @throws HostError HOST_PLAN_STALE, HOST_SCAN_UNCONFIRMED
 */
export function itemsOf(
  { members, origins, versionsAfter }: GraphPlan,
  consent: GraphConsent,
  { plugins, bindings }: GraphState,
): InstallItem[] {
  const isMember = new Set(members.map(({ manifest }) => manifest.id));
  for (const id of new Set([...versionsAfter.keys(), ...plugins.stored().map((record) => record.id)])) {
    // The plan was solved for one state of the host; another install in between may need something else.
    if (!isMember.has(id) && plugins.find(id)?.facts.version !== versionsAfter.get(id))
      throw new HostError("HOST_PLAN_STALE", `${id} changed since the plan was made`);
  }
  for (const { publisher, url } of origins) {
    // Somebody may have said meanwhile to whom the name belongs; the plan asked another registry.
    const bound = bindings.find((binding) => binding.publisher === publisher);
    if (bound !== undefined && bound.url !== url)
      throw new HostError("HOST_PLAN_STALE", `${publisher} was bound to ${bound.url} since the plan was made`);
  }
  const unconfirmed = members.find(
    ({ manifest, needsConfirmation }) => needsConfirmation && !consent.confirmedScans.includes(manifest.id),
  );
  if (unconfirmed !== undefined) {
    const { manifest, scan } = unconfirmed;
    throw new HostError(
      "HOST_SCAN_UNCONFIRMED",
      `${manifest.id} ${manifest.version} scores ${scan.score} of 100, and nobody confirmed what was found`,
      { details: { findings: scan.findings.slice(0, 50) } },
    );
  }
  const trustKeys = new Set(consent.trustKeys);
  return members.map((member): InstallItem => {
    const { id } = member.manifest;
    const { keyId } = member.signer;
    return {
      plan: member,
      consent: {
        grant: Object.hasOwn(consent.grants, id) ? (consent.grants[id] ?? []) : [],
        ...(trustKeys.has(keyId) && { trustKey: keyId }),
        allowDowngrade: consent.downgrades?.includes(id) === true,
      },
      registry: member.registry,
      askedRange: member.askedRange,
    };
  });
}

/**
 * Installs everything that a plan describes: packages, grants, keys, bindings of publishers and journal in
 * one transaction. See `Host.installGraph`. The host calls it while nothing else changes.
 *
 * @throws as `itemsOf`, and what `Installer.install` throws
 */
export async function installGraph(
  plan: GraphPlan,
  consent: GraphConsent,
  state: GraphState & Pick<InstallerParts, "now"> & { readonly installer: Installer },
): Promise<string[]> {
  const { installer, plugins, now } = state;
  const { members, newlyAsked, origins } = plan;
  const items = itemsOf(plan, consent, state);
  const at = now().toISOString();
  await installer.install(items, [
    ...Object.entries(newlyAsked).map(([id, range]) => ({
      sql: "UPDATE plugins SET asked_range = ? WHERE id = ?",
      params: [range, id],
      expectChanges: 1,
    })),
    ...origins
      .filter(({ isNew }) => isNew)
      .flatMap(({ publisher, url }) => [
        bindStatement(publisher, url, "first-use", at),
        bindRecord(publisher, url, "first-use", at),
      ]),
  ]);
  for (const [id, askedRange] of Object.entries(newlyAsked)) {
    const record: PluginRecord = plugins.get(id);
    if (record.facts !== undefined) record.facts = { ...record.facts, askedRange };
  }
  return members.map(({ manifest }) => manifest.id);
}
