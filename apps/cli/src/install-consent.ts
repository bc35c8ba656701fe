import { quote, sanitize } from "@berth/base";
import type { GraphConsent } from "@berth/host";
import type { Permission } from "@berth/spec";
import { formatFingerprint } from "@berth/trust";

import type { Invocation } from "./command.ts";
import { CliError } from "./errors.ts";
import type { ShownPlan } from "./host-access.ts";

type Member = ShownPlan["members"][number];

const SHOWN_FINDINGS = 5;

/** The answer that options give: nothing is agreed to that they do not name. @throws CliError CLI_CONSENT_NEEDED */
export function consentByOptions({ list, isSet }: Invocation, plan: ShownPlan): GraphConsent {
  const named = namedGrants(list("grant"), plan);
  const grants = plan.members.map(({ manifest, permissions }): [string, Permission[]] => [
    manifest.id,
    permissions
      .filter(({ permission }) => named.has(`${manifest.id}:${permission.name}`))
      .map(({ permission }) => permission),
  ]);
  const missing = plan.members.flatMap(({ manifest, permissions }) =>
    permissions
      .filter((each) => !each.isGranted && !each.isOptional && !named.has(`${manifest.id}:${each.permission.name}`))
      .map(({ permission, reason }) => ({ id: manifest.id, permission, reason })),
  );
  if (missing.length > 0) {
    const options = [...new Set(missing.map(({ id, permission }) => `--grant ${id}:${permission.name}`))];
    const ids = [...new Set(missing.map(({ id }) => id))].join(", ");
    throw new CliError("CLI_CONSENT_NEEDED", `${ids} asks for rights:\n${describePlan(plan)}`, {
      hint: `To agree without being asked: ${options.join(" ")}`,
      details: { permissions: missing.map(({ id, permission, reason }) => ({ plugin: id, ...permission, reason })) },
    });
  }
  const unconfirmed = plan.members.filter(
    ({ manifest, needsConfirmation }) => needsConfirmation && !list("confirm").includes(manifest.id),
  );
  if (unconfirmed.length > 0) {
    const ids = unconfirmed.map(({ manifest }) => manifest.id);
    throw new CliError("CLI_CONSENT_NEEDED", `the scan of ${ids.join(", ")} wants a look:\n${describePlan(plan)}`, {
      hint: `After reading the findings: ${ids.map((id) => `--confirm ${id}`).join(" ")}`,
      details: { findings: unconfirmed.flatMap(({ scan }) => scan.findings.slice(0, 20)) },
    });
  }
  const downgrades = downgradesOf(plan);
  if (downgrades.length > 0 && !isSet("allow-downgrade")) {
    throw new CliError("CLI_CONSENT_NEEDED", `${downgrades.join(", ")} would go back:\n${describePlan(plan)}`, {
      hint: "To agree to lower versions: --allow-downgrade",
      details: { downgrades },
    });
  }
  return {
    grants: Object.fromEntries(grants),
    trustKeys: trustedKeys(plan, list("trust")),
    confirmedScans: [...list("confirm")],
    downgrades,
  };
}

const downgradesOf = ({ members }: ShownPlan): string[] =>
  members.filter(({ isDowngrade }) => isDowngrade).map(({ manifest }) => manifest.id);

/** `ID:NAME` for every grant; a bare name is for the one plugin that was asked for. @throws CliError CLI_USAGE */
function namedGrants(options: readonly string[], plan: ShownPlan): Set<string> {
  const asked = plan.members.filter(({ askedRange }) => askedRange !== undefined);
  const asks = new Set(
    plan.members.flatMap(({ manifest, permissions }) =>
      permissions.map(({ permission }) => `${manifest.id}:${permission.name}`),
    ),
  );
  const [only, ...others] = asked.length === 0 ? plan.members : asked;
  return new Set(
    options.map((option) => {
      if (!option.includes(":") && others.length > 0)
        throw new CliError("CLI_USAGE", `several plugins are installed: write --grant ID:${option}`);
      const full = option.includes(":") ? option : `${only?.manifest.id}:${option}`;
      if (asks.has(full)) return full;
      const [id, name] = full.split(":", 2);
      throw new CliError("CLI_USAGE", `${sanitize(id ?? "")} does not ask for ${quote(name)}`);
    }),
  );
}

/** Keys of publishers that are new here, each of which must be named. @throws CliError CLI_CONSENT_NEEDED */
function trustedKeys(plan: ShownPlan, named: readonly string[]): string[] {
  // By publisher too: whoever vouches for a key as one publisher's has not heard that it would be another's as well.
  const fresh = new Map(
    plan.members
      .filter(({ signer }) => signer.status === "first-use")
      .map(({ signer }) => [`${signer.publisher} ${signer.keyId}`, signer]),
  );
  const publishersOf = (wanted: string): number => [...fresh.values()].filter(({ keyId }) => keyId === wanted).length;
  const unknown = [...fresh.values()].filter(
    ({ publisher, keyId, fingerprint }) =>
      !named.includes(`${publisher}:${keyId}`) &&
      (publishersOf(keyId) > 1 || (!named.includes(keyId) && !named.includes(fingerprint))),
  );
  if (unknown.length === 0) return [...new Set(Array.from(fresh.values(), ({ keyId }) => keyId))];
  const who = unknown.map(
    ({ publisher, fingerprint }) => `${publisher} is new to this host; its key is ${fingerprint}`,
  );
  throw new CliError("CLI_CONSENT_NEEDED", who.join("\n"), {
    hint: `After comparing with the publisher's own word: ${unknown.map(({ publisher, keyId }) => `--trust ${publishersOf(keyId) > 1 ? `${publisher}:` : ""}${keyId}`).join(" ")}`,
    details: { keyId: unknown[0]?.keyId, keyIds: unknown.map(({ keyId }) => keyId) },
  });
}

/** Asks the person once, about everything. @throws CliError CLI_CONSENT_NEEDED, CLI_DECLINED */
export async function consentByPerson({ terminal }: Invocation, plan: ShownPlan): Promise<GraphConsent> {
  const names = plan.members.map(({ manifest }) => `${manifest.id} ${manifest.version}`);
  if (!terminal.isInteractive) {
    throw new CliError(
      "CLI_CONSENT_NEEDED",
      `installing ${names.join(", ") || "this"} needs your answer, and standard input is not a terminal`,
      { hint: "Answer with --yes, --grant, --trust, --confirm and --allow-downgrade." },
    );
  }
  terminal.say(describePlan(plan));
  const downgrades = downgradesOf(plan);
  const what = plan.members.length > 1 ? `Install these ${plan.members.length} plugins` : "Install";
  const back = downgrades.length > 0 ? `, going back to lower versions of ${downgrades.join(", ")}` : "";
  if (!(await terminal.confirm(`${what}${back}?`))) throw new CliError("CLI_DECLINED", "nothing was installed");
  const grants = plan.members.map(({ manifest, permissions }): [string, Permission[]] => [
    manifest.id,
    permissions.filter(({ isOptional, isGranted }) => !isOptional && !isGranted).map(({ permission }) => permission),
  ]);
  return {
    grants: Object.fromEntries(grants),
    trustKeys: plan.members.filter(({ signer }) => signer.status === "first-use").map(({ signer }) => signer.keyId),
    confirmedScans: plan.members.map(({ manifest }) => manifest.id),
    downgrades,
  };
}

/** The question, in words that no plugin can rewrite. */
export function describePlan(plan: ShownPlan): string {
  const fresh = new Set(
    plan.members.filter(({ signer }) => signer.status === "first-use").map(({ signer }) => signer.publisher),
  );
  return [
    ...plan.members.toReversed().map(describeMember),
    ...Object.entries(plan.newlyAsked).map(([id, range]) => `${id} is here already and will be kept at ${range}`),
    ...plan.origins
      .filter(({ isNew }) => isNew)
      .map(({ publisher, url }) => `From now on packages of ${publisher} come from ${url} only.`),
    ...Array.from(
      fresh,
      (publisher) => `${publisher} is new to this host. Installing trusts the key above for everything it signs.`,
    ),
  ].join("\n");
}

function describeMember(member: Member): string {
  const { manifest, signer, permissions, warnings, level, limits, reducedBy, replaces, neededBy, registry, scan } =
    member;
  const asked = permissions.flatMap(({ text, reason, isOptional, isGranted, permission }) => [
    `  - ${permission.name}${isOptional ? " (optional, asked when first needed)" : ""}${isGranted ? " (granted before)" : ""}`,
    `      ${text}`,
    `      because: "${sanitize(reason, 300)}"`,
  ]);
  const because = member.askedRange === undefined && neededBy.length > 0 ? `, needed by ${neededBy.join(", ")}` : "";
  return [
    `${sanitize(manifest.displayName)}  ${manifest.id} ${manifest.version}${replaces === undefined ? "" : `, replacing ${replaces}`}${because}`,
    `  ${sanitize(manifest.description, 300)}`,
    ...(member.isDowngrade
      ? [
          `  ! lower than the installed ${replaces}: what was mended since is open again, and newer data may not be read`,
        ]
      : []),
    `  signed by  ${describeSigner(signer)}`,
    ...(registry === undefined ? [] : [`  from       ${registry}`]),
    `  runs at    ${level}: up to ${limits.memoryMiB} MiB, ${limits.cpuMs} ms CPU and ${limits.wallMs} ms in all for each call`,
    ...reducedBy.map((what) => `  reduced    ${what}`),
    ...(member.deprecated === undefined ? [] : [`  deprecated ${sanitize(member.deprecated, 300)}`]),
    ...(member.yanked === undefined ? [] : [`  yanked     ${sanitize(member.yanked, 300)}`]),
    ...(scan.verdict === "clean" ? [] : describeScan(scan)),
    asked.length === 0 ? "  asks for no permission: it sees what you give it, and its own storage" : "  asks for:",
    ...asked,
    ...warnings.map((warning) => `  ! ${warning}`),
  ].join("\n");
}

function describeSigner(signer: Member["signer"]): string {
  if (signer.status === "development") return `nobody: it comes unsigned from ${sanitize(signer.folder, 300)}`;
  const key = `key ${formatFingerprint(signer.keyId)}`;
  // Everybody who holds that secret could have made it: it does not say who the publisher is.
  if (signer.status === "deployment")
    return `nobody of ${signer.publisher}: from your deployment ${sanitize(signer.repository)}, ${key}`;
  return `${signer.publisher}, ${key} (${signer.status === "trusted" ? "trusted" : "new to this host"})`;
}

function describeScan({ verdict, score, findings }: Member["scan"]): string[] {
  const more = findings.length - SHOWN_FINDINGS;
  return [
    `  scan       ${verdict}, ${score} of 100`,
    ...findings
      .slice(0, SHOWN_FINDINGS)
      .map(
        ({ severity, file, line, message }) =>
          `    ${severity}: ${sanitize(message, 200)} (${sanitize(file, 100)}:${line})`,
      ),
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}
