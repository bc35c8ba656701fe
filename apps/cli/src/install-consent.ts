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
  const given = {
    grants: namedGrants(list("grant"), plan),
    trust: list("trust"),
    confirmed: list("confirm"),
    mayDowngrade: isSet("allow-downgrade"),
  };
  const missing = missingAnswers(plan, given);
  const { permissions, unconfirmed, keys, downgrades } = missing;
  const refuse = (why: string, details: object): never => {
    throw new CliError("CLI_CONSENT_NEEDED", why, {
      hint: howToAgree("To agree, add", missing),
      details: { ...details },
    });
  };
  if (permissions.length > 0)
    refuse(`${[...new Set(permissions.map(({ id }) => id))].join(", ")} asks for rights:\n${describePlan(plan)}`, {
      permissions: permissions.map(({ id, permission, reason }) => ({ plugin: id, ...permission, reason })),
    });
  if (unconfirmed.length > 0) {
    const ids = unconfirmed.map(({ manifest }) => manifest.id);
    refuse(`the scan of ${ids.join(", ")} wants a look:\n${describePlan(plan)}`, {
      findings: unconfirmed.flatMap(({ scan }) => scan.findings.slice(0, 20)),
    });
  }
  if (downgrades.length > 0) refuse(`${downgrades.join(", ")} would go back:\n${describePlan(plan)}`, { downgrades });
  if (keys.length > 0)
    refuse(keys.map(({ signer }) => explainNewKey(signer)).join("\n"), {
      keyId: keys[0]?.signer.keyId,
      keyIds: keys.map(({ signer }) => signer.keyId),
    });
  return {
    grants: Object.fromEntries(
      plan.members.map(({ manifest, permissions: asked }): [string, Permission[]] => [
        manifest.id,
        asked
          .filter(({ permission }) => given.grants.has(`${manifest.id}:${permission.name}`))
          .map(({ permission }) => permission),
      ]),
    ),
    trustKeys: [...new Set(newSigners(plan).map(({ keyId }) => keyId))],
    confirmedScans: [...given.confirmed],
    downgrades: downgradesOf(plan),
  };
}

/** What options answered so far. */
interface GivenAnswers {
  /** `ID:NAME` */
  readonly grants: ReadonlySet<string>;
  readonly trust: readonly string[];
  readonly confirmed: readonly string[];
  readonly mayDowngrade: boolean;
}

const NO_ANSWERS: GivenAnswers = { grants: new Set(), trust: [], confirmed: [], mayDowngrade: false };

/** What a plan needs an answer for and has none. */
function missingAnswers(plan: ShownPlan, { grants, trust, confirmed, mayDowngrade }: GivenAnswers) {
  return {
    permissions: plan.members.flatMap(({ manifest, permissions }) =>
      permissions
        .filter((each) => !each.isGranted && !each.isOptional && !grants.has(`${manifest.id}:${each.permission.name}`))
        .map(({ permission, reason }) => ({ id: manifest.id, permission, reason })),
    ),
    unconfirmed: plan.members.filter(
      ({ manifest, needsConfirmation }) => needsConfirmation && !confirmed.includes(manifest.id),
    ),
    keys: untrustedKeys(plan, trust),
    downgrades: mayDowngrade ? [] : downgradesOf(plan),
  };
}

/** Every option that is missing, and none that is not, to be copied once the plan was read. */
function howToAgree(
  lead: string,
  { permissions, unconfirmed, keys, downgrades }: ReturnType<typeof missingAnswers>,
  ...more: readonly string[]
): string {
  const options = [
    ...more,
    ...new Set(permissions.map(({ id, permission }) => `--grant ${id}:${permission.name}`)),
    ...keys.map(({ option }) => option),
    ...unconfirmed.map(({ manifest }) => `--confirm ${manifest.id}`),
    ...(downgrades.length > 0 ? ["--allow-downgrade"] : []),
  ];
  const first = [
    ...(keys.length > 0 ? ["comparing the key with the publisher's own word"] : []),
    ...(unconfirmed.length > 0 ? ["reading the findings of the scan"] : []),
  ];
  const after = first.length === 0 ? "" : ` (after ${first.join(" and ")})`;
  return `${lead}${after}: ${options.join(" ")}`;
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

type NewSigner = Extract<Member["signer"], { status: "trusted" | "first-use" }>;

/** Publishers that are new here, each with each of their keys once. */
function newSigners({ members }: ShownPlan): NewSigner[] {
  // By publisher too: whoever vouches for a key as one publisher's has not heard that it would be another's as well.
  const fresh = new Map<string, NewSigner>();
  for (const { signer } of members)
    if (signer.status === "first-use") fresh.set(`${signer.publisher} ${signer.keyId}`, signer);
  return [...fresh.values()];
}

/** Keys of new publishers that nobody named, and the option that names each. */
function untrustedKeys(plan: ShownPlan, named: readonly string[]): { signer: NewSigner; option: string }[] {
  const fresh = newSigners(plan);
  return fresh.flatMap((signer) => {
    const { publisher, keyId, fingerprint } = signer;
    const isShared = fresh.filter((each) => each.keyId === keyId).length > 1;
    const isNamed =
      named.includes(`${publisher}:${keyId}`) || (!isShared && (named.includes(keyId) || named.includes(fingerprint)));
    return isNamed ? [] : [{ signer, option: `--trust ${isShared ? `${publisher}:` : ""}${keyId}` }];
  });
}

/** A key that is no stranger is told as what it is: its holder publishes under another name already. */
function explainNewKey({ publisher, fingerprint, alsoTrustedFor }: NewSigner): string {
  const known =
    alsoTrustedFor.length === 0 ? "" : `, which this host trusts already, but as a key of ${names(alsoTrustedFor)}`;
  return `${publisher} is new to this host; its key is ${fingerprint}${known}`;
}

const names = (publishers: readonly string[]): string => publishers.map((each) => sanitize(each)).join(", ");

/** Asks the person once, about everything. @throws CliError CLI_CONSENT_NEEDED, CLI_DECLINED */
export async function consentByPerson({ terminal }: Invocation, plan: ShownPlan): Promise<GraphConsent> {
  if (!terminal.isInteractive) {
    const what = plan.members.map(({ manifest }) => `${manifest.id} ${manifest.version}`).join(", ") || "this";
    throw new CliError(
      "CLI_CONSENT_NEEDED",
      `installing ${what} needs your answer, and standard input is not a terminal:\n${describePlan(plan)}`,
      { hint: howToAgree("To agree", missingAnswers(plan, NO_ANSWERS), "--yes") },
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
    trustKeys: newSigners(plan).map(({ keyId }) => keyId),
    confirmedScans: plan.members.map(({ manifest }) => manifest.id),
    downgrades,
  };
}

/** The question, in words that no plugin can rewrite. */
export function describePlan(plan: ShownPlan): string {
  const fresh = new Map(newSigners(plan).map((signer) => [signer.publisher, signer]));
  return [
    ...plan.members.toReversed().map(describeMember),
    ...Object.entries(plan.newlyAsked).map(([id, range]) => `${id} is here already and will be kept at ${range}`),
    ...plan.origins
      .filter(({ isNew }) => isNew)
      .map(({ publisher, url }) => `From now on packages of ${publisher} come from ${url} only.`),
    ...Array.from(
      fresh.values(),
      ({ publisher, alsoTrustedFor }) =>
        `${publisher} is new to this host. Installing trusts the key above for everything it signs${alsoTrustedFor.length === 0 ? "." : ` as ${publisher} too.`}`,
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

/** Who vouches for a package, and what that is worth here. */
export function describeSigner(signer: Member["signer"]): string {
  if (signer.status === "development") return `nobody: it comes unsigned from ${sanitize(signer.folder, 300)}`;
  const key = `key ${formatFingerprint(signer.keyId)}`;
  // Everybody who holds that secret could have made it: it does not say who the publisher is.
  if (signer.status === "deployment")
    return `nobody of ${signer.publisher}: from your deployment ${sanitize(signer.repository)}, ${key}`;
  if (signer.status === "trusted") return `${signer.publisher}, ${key} (trusted)`;
  if (signer.alsoTrustedFor.length === 0) return `${signer.publisher}, ${key} (new to this host)`;
  return `${signer.publisher}, ${key}\n  ! this host trusts that key already, but as a key of ${names(signer.alsoTrustedFor)}: whoever holds it now signs as ${signer.publisher} too`;
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
