import { quote, sanitize } from "@berth/base";
import type { Host } from "@berth/host";
import { PERMISSION_NAMES, explainPermission, formatPermission, statedPermissionSchema } from "@berth/spec";
import type { Permission, PermissionName } from "@berth/spec";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { withOwnHost } from "../with-host.ts";

type Verb = (host: Host<string>, id: string, rest: readonly string[], invocation: Invocation) => Promise<Outcome>;

const verbs: Readonly<Record<string, Verb>> = {
  async list(host, id) {
    const grants = await host.grants(id);
    const lines = grants.map(({ permission, expiresAt, lastUsedAt }) => {
      const until = expiresAt === undefined ? "" : `, until ${expiresAt}`;
      return `${permission.name}: ${explainPermission(permission)}\n    ${lastUsedAt === undefined ? "never used" : `last used ${lastUsedAt}`}${until}`;
    });
    return {
      json: { ok: true, id, grants },
      text: lines.length === 0 ? `nothing is granted to ${id}` : lines.join("\n"),
    };
  },

  async grant(host, id, rest, { text }) {
    const permission = await chosenPermission(host, id, rest);
    const expiresAt = text("until");
    if (expiresAt !== undefined && Number.isNaN(Date.parse(expiresAt)))
      throw new CliError(
        "CLI_USAGE",
        `--until takes an instant such as 2027-01-31T00:00:00Z, found ${quote(expiresAt)}`,
      );
    await host.grant(id, permission, expiresAt === undefined ? {} : { expiresAt: new Date(expiresAt).toISOString() });
    return { json: { ok: true, id, permission }, text: `granted to ${id}: ${explainPermission(permission)}` };
  },

  async revoke(host, id, rest) {
    const [what = ""] = rest;
    const revoked = await host.revoke(id, what.startsWith("{") ? parsePermission(what) : nameOf(what));
    const text = revoked.map((permission) => `taken back from ${id}: ${explainPermission(permission)}`);
    return {
      json: { ok: true, id, revoked },
      text: text.length === 0 ? `${id} held nothing of that` : text.join("\n"),
    };
  },

  async suggest(host, id) {
    const { permissions, unused, uses, isComplete } = await host.suggestPermissions(id);
    const lines = [
      `// from ${uses} different uses in the journal${isComplete ? "" : "; it did not keep all of them, so this may be too narrow"}`,
      `"permissions": ${JSON.stringify(permissions, null, 2)}`,
      ...unused.map((request) => `// never used: ${sanitize(formatPermission(request), 300)}`),
    ];
    return { json: { ok: true, id, permissions, unused, uses, isComplete }, text: lines.join("\n") };
  },
};

export const command: Command = {
  summary: "grant and take back permissions, answer requests, find the narrowest that work",
  usage: "list ID | grant ID NAME|JSON [--until INSTANT] | revoke ID NAME|JSON | suggest ID | requests",
  options: { until: { type: "string", value: "INSTANT", help: "when the grant ends by itself" } },
  async run(invocation) {
    const [verb = "", id, ...rest] = invocation.args;
    if (verb === "requests" && id === undefined) return withOwnHost(invocation, listRequests);
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    const wanted = verb === "grant" || verb === "revoke" ? 1 : 0;
    if (run === undefined || id === undefined || rest.length !== wanted)
      throw new CliError("CLI_USAGE", `expected ${command.usage}`);
    return withOwnHost(invocation, (host) => run(host, id, rest, invocation));
  },
};

async function listRequests(host: Host<string>): Promise<Outcome> {
  const requests = await host.permissionRequests();
  const lines = requests.flatMap(({ pluginId, permission, text, reason, action, askedAt }) => [
    `${askedAt}  ${pluginId} ${action} needed ${permission.name}: ${text}`,
    `    because: "${sanitize(reason, 300)}"; to agree: berth permissions grant ${pluginId} ${permission.name}`,
  ]);
  return {
    json: { ok: true, requests },
    text: lines.length === 0 ? "no plugin waits for an answer" : lines.join("\n"),
  };
}

/** By name: what the manifest asks for under it. As JSON: exactly that. */
async function chosenPermission(host: Host<string>, id: string, [what = ""]: readonly string[]): Promise<Permission> {
  if (what.startsWith("{")) return parsePermission(what);
  const name = nameOf(what);
  const asked = (await host.declaredPermissions(id)).filter((permission) => permission.name === name);
  const [only, ...others] = asked;
  if (only === undefined) throw new CliError("CLI_USAGE", `${id} does not ask for ${quote(name)}`);
  if (others.length > 0) {
    throw new CliError("CLI_USAGE", `${id} asks for ${name} several times; name one as JSON`, {
      hint: asked.map(formatPermission).join("\n"),
    });
  }
  return only;
}

function nameOf(text: string): PermissionName {
  const name = PERMISSION_NAMES.find((each) => each === text);
  if (name === undefined)
    throw new CliError(
      "CLI_USAGE",
      `there is no permission ${quote(text)}; expected one of ${PERMISSION_NAMES.join(", ")}`,
    );
  return name;
}

function parsePermission(text: string): Permission {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new CliError("CLI_USAGE", "expected a permission as JSON, as in a manifest", { cause: error });
  }
  const parsed = statedPermissionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CliError(
    "CLI_USAGE",
    `the permission at ${quote(issue?.path.join(".") ?? "")}: ${issue?.message ?? "is not one"}`,
  );
}
