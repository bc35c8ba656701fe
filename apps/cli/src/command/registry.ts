import { open, readFile } from "node:fs/promises";
import { join } from "node:path";

import { quote } from "@berth/base";
import type { PublisherBinding, RegistryRecord } from "@berth/host";
import { formatFingerprint, formatPublicKey } from "@berth/trust";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { onlyArgument } from "../files.ts";
import { readPublisherKey } from "../publisher-key.ts";
import { registryOptions, tokenOptions, withRegistry } from "../registry-access.ts";
import { untilStopped } from "../until-stopped.ts";
import { withHost } from "../with-host.ts";

type Verb = (invocation: Invocation, args: readonly string[]) => Promise<Outcome>;

function twoArguments(args: readonly string[], what: string): [string, string] {
  const [first, second, ...rest] = args;
  if (first === undefined || second === undefined || rest.length > 0)
    throw new CliError("CLI_USAGE", `expected ${what}`);
  return [first, second];
}

const add: Verb = async (invocation, args) => {
  const [name, url] = twoArguments(args, "a name and the registry's address");
  const priority = invocation.text("priority");
  if (priority !== undefined && !/^\d{1,6}$/.test(priority))
    throw new CliError("CLI_USAGE", `expected a whole number after --priority, found ${quote(priority)}`);
  const registry = await withHost(invocation, (host) =>
    host.registries.add({
      name,
      url,
      allowHttp: invocation.isSet("allow-http"),
      ...(priority !== undefined && { priority: Number(priority) }),
    }),
  );
  return {
    json: { ok: true, registry },
    text: `added ${registry.name} at ${registry.url}, priority ${registry.priority}`,
  };
};

const list: Verb = async (invocation) => {
  const [registries, bindings] = await withHost(invocation, (host) =>
    Promise.all([host.registries.list(), host.registries.bindings()]),
  );
  return { json: { ok: true, registries, bindings }, text: describe(registries, bindings) };
};

function describe(registries: readonly RegistryRecord[], bindings: readonly PublisherBinding[]): string {
  if (registries.length === 0) return "no registry is configured; add one: berth registry add NAME URL";
  const names = new Map(registries.map(({ name, url }) => [url, name]));
  return [
    ...registries.map(({ name, url, priority, repository, signedMetadata }) => {
      const domain = repository === undefined ? "not asked yet" : `trust domain ${repository}`;
      return `${String(priority).padStart(4)}  ${name.padEnd(16)} ${url}  (${domain}${signedMetadata ? ", signed metadata" : ""})`;
    }),
    ...bindings.map(
      ({ publisher, url, how }) =>
        `      ${publisher} comes from ${names.get(url) ?? `${url}, which is not configured`} only (${how})`,
    ),
  ].join("\n");
}

const remove: Verb = async (invocation, args) => {
  const name = onlyArgument(args, "a registry's name");
  const registry = await withHost(invocation, (host) => host.registries.remove(name));
  return {
    json: { ok: true, registry },
    text: `removed ${registry.name}; publishers that belong to it stay bound until \`berth registry bind\` says otherwise`,
  };
};

const bind: Verb = async (invocation, args) => {
  const [publisher, name] = twoArguments(args, "a publisher and a registry's name");
  const binding = await withHost(invocation, (host) => host.registries.bind(publisher, name));
  return { json: { ok: true, binding }, text: `packages of ${publisher} come from ${binding.url} only` };
};

/** Claims a publisher's name for the key at hand, and keeps the token that the registry gives for it. */
const claim: Verb = async (invocation, args) => {
  const name = onlyArgument(args, "a publisher's name");
  const file = invocation.text("save-token");
  const key = await readPublisherKey(invocation);
  return withRegistry(invocation, async ({ url, api }) => {
    const { token, ...publisher } = await api.createPublisher({ name, publicKey: formatPublicKey(key) });
    if (file !== undefined) await saveToken(file, token.token);
    const { token: secret, ...about } = token;
    return {
      json: { ok: true, registry: url.href, publisher, token: file === undefined ? token : about },
      text: [
        `${name} at ${url.href} belongs to the key ${formatFingerprint(key.keyId)}`,
        file === undefined ? `its token, shown this once: ${secret}` : `its token is in ${file}`,
      ].join("\n"),
    };
  });
};

async function saveToken(file: string, token: string): Promise<void> {
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      await handle.writeFile(`${token}\n`);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new CliError("CLI_FILE_UNWRITABLE", `the token could not be kept in ${quote(file, 200)}; make another one`, {
      cause: error,
    });
  }
}

/** Runs a registry until it is told to end. */
const start: Verb = async ({ text, dataDir }) => {
  const { settingsOf, start: startRegistry } = await import("@berth/registry");
  const file = text("config");
  const port = text("port");
  const settings = {
    dataDir: join(dataDir, "registry"),
    ...(file !== undefined && settingsOf(await readVariables(file))),
    ...settingsOf(process.env),
    ...(port !== undefined && settingsOf({ BERTH_REGISTRY_PORT: port })),
  };
  const registry = await startRegistry(settings);
  const { url, operatorToken } = registry;
  return {
    json: { ok: true, url, ...(operatorToken !== undefined && { operatorToken }) },
    text: [
      `the registry answers at ${url}; Ctrl-C ends it`,
      ...(operatorToken === undefined ? [] : [`operator's token, shown this once: ${operatorToken}`]),
    ].join("\n"),
    async keepRunning() {
      await untilStopped();
      await registry.close();
    },
  };
};

/** Lines `NAME=value`, as in a file for the environment; `#` starts a comment line. */
async function readVariables(file: string): Promise<Record<string, string>> {
  let lines: string[];
  try {
    lines = (await readFile(file, "utf8")).split(/\r?\n/);
  } catch (error) {
    throw new CliError("CLI_FILE_UNREADABLE", `the settings in ${quote(file, 200)} cannot be read`, { cause: error });
  }
  const pairs = lines
    .filter((line) => line.trim() !== "" && !line.trimStart().startsWith("#"))
    .map((line): [string, string] => {
      const at = line.indexOf("=");
      if (at < 1)
        throw new CliError("CLI_USAGE", `expected lines NAME=value in ${quote(file, 200)}, found ${quote(line)}`);
      return [line.slice(0, at).trim(), line.slice(at + 1).trim()];
    });
  return Object.fromEntries(pairs);
}

const verbs: Readonly<Record<string, Verb>> = { add, list, remove, bind, claim, start };

export const command: Command = {
  summary: "say which registries are asked, claim a publisher's name, or run a registry",
  usage: "add NAME URL | list | remove NAME | bind PUBLISHER NAME | claim PUBLISHER | start",
  options: {
    ...registryOptions,
    ...tokenOptions,
    priority: { type: "string", value: "N", help: "smaller is asked first (default: after all others)" },
    "allow-http": { type: "boolean", help: "add: speak plain http to another machine" },
    key: { type: "string", value: "FILE", help: "claim: the publisher's private key" },
    "save-token": { type: "string", value: "FILE", help: "claim: keep the token in a new file instead of showing it" },
    port: { type: "string", value: "N", help: "start: the port; 0 takes a free one" },
    config: { type: "string", value: "FILE", help: "start: a file of settings, lines BERTH_REGISTRY_…=value" },
  },
  async run(invocation) {
    const [verb = "", ...rest] = invocation.args;
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (run === undefined)
      throw new CliError("CLI_USAGE", `expected one of ${Object.keys(verbs).join(", ")}, found ${quote(verb)}`);
    return run(invocation, rest);
  },
};
