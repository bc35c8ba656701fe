import { quote, sanitize } from "@berth/base";
import type { Plan } from "@berth/host";
import type { Permission } from "@berth/spec";
import { formatFingerprint } from "@berth/trust";

import type { Command, Invocation } from "../command.ts";
import { CliError } from "../errors.ts";
import { onlyArgument, readInput } from "../files.ts";
import { withHost } from "../with-host.ts";

export const command: Command = {
  summary: "verify a package, show what it asks for, and install it with your consent",
  usage: "FILE [--yes --grant NAME … --trust KEYID]",
  options: {
    yes: { type: "boolean", help: "do not ask; only what --grant and --trust name is agreed to" },
    grant: {
      type: "string",
      multiple: true,
      value: "NAME",
      help: "a permission that you agree to, by name; may be repeated",
    },
    trust: { type: "string", value: "KEYID", help: "the key of a new publisher, as its full key id or fingerprint" },
  },
  async run(invocation) {
    const bytes = await readInput(onlyArgument(invocation.args, "a package"));
    return withHost(invocation, async (host) => {
      const plan = await host.plan(bytes);
      const consent = invocation.isSet("yes")
        ? consentByOptions(invocation, plan)
        : await consentByPerson(invocation, plan);
      const { id, version, level, actions } = await host.install(plan, consent);
      return {
        json: {
          ok: true,
          id,
          version,
          level,
          actions,
          replaced: plan.replaces ?? null,
          keyId: plan.signer.keyId,
          contentDigest: plan.contentDigest,
        },
        text: `installed ${id} ${version}${plan.replaces === undefined ? "" : ` (replacing ${plan.replaces})`}\n  actions: ${actions.join(", ")}`,
      };
    });
  },
};

interface Answer {
  readonly grant: Permission[];
  readonly trustKey?: string;
}

function consentByOptions({ list, text }: Invocation, plan: Plan): Answer {
  const named = new Set(list("grant"));
  for (const name of named) {
    if (!plan.permissions.some(({ permission }) => permission.name === name)) {
      throw new CliError("CLI_USAGE", `${plan.manifest.id} does not ask for ${quote(name)}`);
    }
  }
  const missing = plan.permissions.filter(
    ({ permission, isGranted, isOptional }) => !isGranted && !isOptional && !named.has(permission.name),
  );
  if (missing.length > 0) {
    const names = [...new Set(missing.map(({ permission }) => permission.name))];
    throw new CliError("CLI_CONSENT_NEEDED", `${plan.manifest.id} requires ${names.join(", ")}:\n${describe(plan)}`, {
      hint: `To agree without being asked: ${names.map((name) => `--grant ${name}`).join(" ")}`,
      details: { permissions: missing.map(({ permission, reason }) => ({ ...permission, reason })) },
    });
  }
  const { keyId, fingerprint, status } = plan.signer;
  const trust = text("trust");
  if (status === "first-use" && (trust === undefined || ![keyId, fingerprint].includes(trust))) {
    throw new CliError(
      "CLI_CONSENT_NEEDED",
      `${plan.signer.publisher} is new to this host; the package is signed by ${fingerprint}`,
      {
        hint: `After comparing it with the publisher's own word: --trust ${keyId}`,
        details: { keyId },
      },
    );
  }
  return {
    grant: plan.permissions.filter(({ permission }) => named.has(permission.name)).map(({ permission }) => permission),
    ...(status === "first-use" && { trustKey: keyId }),
  };
}

async function consentByPerson({ terminal }: Invocation, plan: Plan): Promise<Answer> {
  if (!terminal.isInteractive) {
    throw new CliError(
      "CLI_CONSENT_NEEDED",
      `installing ${plan.manifest.id} needs your answer, and standard input is not a terminal`,
      {
        hint: "Answer with --yes, --grant and --trust.",
      },
    );
  }
  terminal.say(describe(plan));
  if (plan.signer.status === "first-use") {
    terminal.say(
      `This is the first package of ${plan.signer.publisher} on this host. Installing trusts the key above for everything it signs.`,
    );
  }
  if (!(await terminal.confirm("Install?"))) throw new CliError("CLI_DECLINED", "nothing was installed");
  const required = plan.permissions.filter(({ isOptional, isGranted }) => !isOptional && !isGranted);
  return {
    grant: required.map(({ permission }) => permission),
    ...(plan.signer.status === "first-use" && { trustKey: plan.signer.keyId }),
  };
}

/** The question, in words that the plugin cannot rewrite. */
export function describe(plan: Plan): string {
  const { manifest, signer, permissions, level, limits, reducedBy } = plan;
  const asked = permissions.flatMap(({ text, reason, isOptional, isGranted, permission }) => [
    `  - ${permission.name}${isOptional ? " (optional, asked when first needed)" : ""}${isGranted ? " (granted before)" : ""}`,
    `      ${text}`,
    `      because: "${sanitize(reason, 300)}"`,
  ]);
  return [
    `${sanitize(manifest.displayName)}  ${manifest.id} ${manifest.version}${plan.replaces === undefined ? "" : `, replacing ${plan.replaces}`}`,
    `  ${sanitize(manifest.description, 300)}`,
    `  signed by  ${signer.publisher}, key ${formatFingerprint(signer.keyId)} (${signer.status === "trusted" ? "trusted" : "new to this host"})`,
    `  runs at    ${level}: up to ${limits.memoryMiB} MiB, ${limits.cpuMs} ms CPU and ${limits.wallMs} ms in all for each call`,
    ...reducedBy.map((what) => `  reduced    ${what}`),
    asked.length === 0 ? "It asks for no permission: it sees what you give it, and its own storage." : "It asks for:",
    ...asked,
  ].join("\n");
}
