import { quote, sanitize } from "@berth/base";
import type { PolicyGrant } from "@berth/host";
import {
  PERMISSION_NAMES,
  explainPermission,
  formatPermission,
  permissionOf,
  statedPermissionSchema,
  withoutDefaults,
} from "@berth/spec";
import type { Permission, PermissionName } from "@berth/spec";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import type { HostAccess } from "../host-access.ts";
import { developmentDataDir, findRuns, readRuns, tryReadRuns } from "../runs.ts";
import type { Runs } from "../runs.ts";
import { withHost } from "../with-host.ts";
import { writeSuggestion } from "../write-suggestion.ts";
import type { WrittenSuggestion } from "../write-suggestion.ts";

type Verb = (host: HostAccess, id: string, rest: readonly string[], invocation: Invocation) => Promise<Outcome>;

const verbs: Readonly<Record<string, Verb>> = {
  async list(host, id) {
    const grants = await host.grants(id);
    const policyGrants = await host.policyGrants(id);
    const lineOf = ({ permission, lastUsedAt }: PolicyGrant, more: string): string =>
      `${permission.name}: ${explainPermission(permission)}\n    ${lastUsedAt === undefined ? "never used" : `last used ${lastUsedAt}`}${more}`;
    const lines = [
      ...grants.map((grant) => lineOf(grant, grant.expiresAt === undefined ? "" : `, until ${grant.expiresAt}`)),
      ...policyGrants.map((grant) => lineOf(grant, ", granted by the policy")),
    ];
    return {
      json: { ok: true, id, grants, policyGrants },
      text: lines.length === 0 ? `nothing is granted to ${id}` : lines.join("\n"),
    };
  },

  async grant(host, id, rest, { text }) {
    const permission = await chosenPermission(host, id, rest);
    const expiresAt = text("until");
    await host.grant(id, permission, expiresAt === undefined ? {} : { expiresAt });
    return { json: { ok: true, id, permission }, text: `granted to ${id}: ${explainPermission(permission)}` };
  },

  async revoke(host, id, rest) {
    const [what = ""] = rest;
    const meant = what.startsWith("{") ? parsePermission(what) : nameOf(what);
    const revoked = await host.revoke(id, meant);
    const name = typeof meant === "string" ? meant : meant.name;
    const isGrantedByPolicy = (await host.policyGrants(id)).some(({ permission }) => permission.name === name);
    const text = revoked.map((permission) => `taken back from ${id}: ${explainPermission(permission)}`);
    if (revoked.length === 0) text.push(`no person's grant to ${id} held anything of that`);
    if (isGrantedByPolicy) text.push(`the policy grants ${id} ${name}, too: that ends with its entry in policy.json`);
    return { json: { ok: true, id, revoked, isGrantedByPolicy }, text: text.join("\n") };
  },

  async dismiss(host, id, [what = ""]) {
    const name = nameOf(what);
    const dismissed = await host.dismissRequests(id, name);
    return {
      json: { ok: true, id, name, dismissed },
      text: dismissed ? `${id} is not told of again for ${name}` : `${id} waits for no answer about ${name}`,
    };
  },
};

/** What the journal of real runs suggests: printed, or written into the manifest of the author's folder. */
async function suggest(invocation: Invocation, id: string): Promise<Outcome> {
  const { dataDir, text } = invocation;
  const folder = text("write");
  // An unset shell variable must not name the current folder.
  if (folder === "") throw new CliError("CLI_USAGE", "expected a folder after --write, found nothing");
  const tried = developmentDataDir(dataDir);
  const readInstalled = (): Promise<Runs> => withHost(invocation, (host) => readRuns(host, id, dataDir));
  const sourceOf = ({ suggestion: { uses, isComplete }, version, ...runs }: Runs): string =>
    `${uses} different uses of ${id} ${version} in the journal${runs.dataDir === tried ? " of berth dev" : ""}${isComplete ? "" : "; it did not keep all of them, so this may be too narrow"}`;
  if (folder !== undefined) {
    // What was tried out comes first: it is of this folder.
    const first = await tryReadRuns(invocation, id, tried);
    const installed = first === undefined ? await readInstalled() : await tryReadRuns(invocation, id, dataDir);
    const known = [first, installed].filter((runs) => runs !== undefined) as [Runs, ...Runs[]];
    const { runs, ...manifest } = await writeSuggestion(folder, known);
    const source = known.map(sourceOf).join(", and ");
    return { json: { ...jsonOf(runs), manifest }, text: describeWritten(manifest, folder, source) };
  }
  const runs = (await findRuns(invocation, id, [dataDir, tried])) ?? (await readInstalled());
  const { permissions, unused } = runs.suggestion;
  const lines = [
    `// from ${sourceOf(runs)}`,
    `"permissions": ${JSON.stringify(permissions.map(withoutDefaults), null, 2)}`,
    ...unused.map((request) => `// never used: ${sanitize(formatPermission(permissionOf(request)), 300)}`),
  ];
  return { json: jsonOf(runs), text: lines.join("\n") };
}

function jsonOf({ id, version, suggestion: { permissions, unused, uses, isComplete } }: Runs): object {
  return { ok: true, id, version, permissions, unused, uses, isComplete };
}

function describeWritten(written: Omit<WrittenSuggestion, "runs">, folder: string, source: string): string {
  const { isChanged, narrowed, removed } = written;
  const file = sanitize(written.file, 300);
  if (!isChanged) return `${file} asks for no more than was used: nothing to change (${source})`;
  return [
    `${file} now asks for no more than was used (${source})`,
    ...narrowed.flatMap(({ from, to }) => [
      `  narrowed    ${from.name}`,
      `    from      ${explainPermission(permissionOf(from))}`,
      `    to        ${explainPermission(permissionOf(to))}`,
    ]),
    ...removed.map((request) => `  never used  ${request.name}: ${explainPermission(permissionOf(request))}`),
    `next: berth lint ${sanitize(folder, 300)}, for what the code may use beyond these runs; releases need a new version`,
  ].join("\n");
}

export const command: Command = {
  summary: "grant and take back permissions, answer requests, find the narrowest that work",
  usage:
    "list ID | grant ID NAME|JSON [--until INSTANT] | revoke ID NAME|JSON | suggest ID [--write DIR] | requests | dismiss ID NAME",
  options: {
    until: { type: "string", value: "INSTANT", help: "when the grant ends by itself" },
    write: { type: "string", value: "DIR", help: "put what is suggested into the manifest of the author's folder" },
  },
  async run(invocation) {
    const [verb = "", id, ...rest] = invocation.args;
    if (verb === "requests" && id === undefined) return withHost(invocation, listRequests);
    for (const [option, only] of [
      ["until", "grant"],
      ["write", "suggest"],
    ] as const)
      if (invocation.text(option) !== undefined && verb !== only)
        throw new CliError("CLI_USAGE", `--${option} is for berth permissions ${only}`);
    if (verb === "suggest" && id !== undefined && rest.length === 0) return suggest(invocation, id);
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    const wanted = verb === "list" ? 0 : 1;
    if (run === undefined || id === undefined || rest.length !== wanted)
      throw new CliError("CLI_USAGE", `expected ${command.usage}`);
    return withHost(invocation, (host) => run(host, id, rest, invocation));
  },
};

async function listRequests(host: HostAccess): Promise<Outcome> {
  const requests = await host.permissionRequests();
  const lines = requests.flatMap(({ pluginId, permission, text, reason, action, askedAt }) => [
    `${askedAt}  ${pluginId} ${action} needed ${permission.name}: ${text}`,
    `    because: "${sanitize(reason, 300)}"; to agree: berth permissions grant ${pluginId} ${permission.name}; else: berth permissions dismiss ${pluginId} ${permission.name}`,
  ]);
  return {
    json: { ok: true, requests },
    text: lines.length === 0 ? "no plugin waits for an answer" : lines.join("\n"),
  };
}

/** By name: what the manifest asks for under it. As JSON: exactly that. */
async function chosenPermission(host: HostAccess, id: string, [what = ""]: readonly string[]): Promise<Permission> {
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
