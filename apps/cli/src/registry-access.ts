import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { RegistryApi, RegistryClient, nodePowers, openAnswerCache, parseRegistryUrl } from "@berth/client";
import { quote } from "@berth/base";

import type { Invocation, OptionSpec } from "./command.ts";
import { CliError } from "./errors.ts";
import { withHost } from "./with-host.ts";

/** Options of every command that speaks to a registry's API. */
export const registryOptions: Readonly<Record<string, OptionSpec>> = {
  registry: {
    type: "string",
    value: "NAME|URL",
    help: "the registry to speak to (else BERTH_REGISTRY, else the first configured one)",
  },
};

/** Options of commands that need a token. */
export const tokenOptions: Readonly<Record<string, OptionSpec>> = {
  "token-file": { type: "string", value: "FILE", help: "a file that holds the token (else BERTH_TOKEN)" },
};

export interface RegistryAccess {
  readonly url: URL;
  readonly client: RegistryClient;
  readonly api: RegistryApi;
}

/**
 * Speaks to one registry for one command.
 *
 * @throws CliError CLI_NO_REGISTRY; ClientError CLIENT_URL_INVALID, CLIENT_URL_INSECURE
 */
export async function withRegistry<Result>(
  invocation: Invocation,
  work: (registry: RegistryAccess) => Promise<Result>,
): Promise<Result> {
  const url = await chooseRegistry(invocation);
  const token = await readToken(invocation);
  const powers = nodePowers();
  try {
    const cache = await openAnswerCache(join(invocation.dataDir, "cache", "registry"));
    const client = new RegistryClient({ url, powers, cache });
    return await work({ url, client, api: new RegistryApi(client, token) });
  } finally {
    powers[Symbol.dispose]();
  }
}

async function chooseRegistry(invocation: Invocation): Promise<URL> {
  const given = invocation.text("registry") ?? process.env["BERTH_REGISTRY"];
  if (given !== undefined && /^https?:/i.test(given)) return parseRegistryUrl(given);
  const known = await withHost(invocation, (host) => host.registries.list());
  const chosen = given === undefined ? known[0] : known.find(({ name }) => name === given);
  if (chosen !== undefined) return new URL(chosen.url);
  throw new CliError(
    "CLI_NO_REGISTRY",
    given === undefined ? "no registry is configured" : `there is no registry ${quote(given)}`,
    { hint: "Name one with --registry URL, or add it: berth registry add NAME URL" },
  );
}

/** A token never stands on the command line, where every process of the machine could read it. */
async function readToken({ text }: Invocation): Promise<string | undefined> {
  const file = text("token-file");
  if (file === undefined) return process.env["BERTH_TOKEN"];
  try {
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    throw new CliError("CLI_FILE_UNREADABLE", `the token's file ${quote(file, 200)} cannot be read`, { cause: error });
  }
}
