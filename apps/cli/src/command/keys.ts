import { dirname, join } from "node:path";

import { quote } from "@berth/base";
import { keepOutOfGit } from "@berth/host";
import { isIdPart } from "@berth/spec";
import {
  createDeploymentKeyFile,
  createKeyFile,
  formatFingerprint,
  formatPublicKey,
  parsePublicKey,
} from "@berth/trust";

import type { Command, Invocation, Outcome } from "../command.ts";
import { deploymentKeyFile } from "../deployment-key.ts";
import { CliError } from "../errors.ts";
import { makeFolder, readInput } from "../files.ts";
import { chooseNewPassphrase, publisherKeyFile, readPublisherKey } from "../publisher-key.ts";
import { withHost } from "../with-host.ts";

async function makeKeyFolder({ dataDir }: Invocation, file: string): Promise<void> {
  await makeFolder(dirname(file), 0o700);
  if (dirname(file) === join(dataDir, "keys")) await keepOutOfGit(dataDir);
}

const verbs: Readonly<Record<string, (invocation: Invocation, args: readonly string[]) => Promise<Outcome>>> = {
  async create(invocation) {
    const file = publisherKeyFile(invocation);
    await makeKeyFolder(invocation, file);
    const passphrase = await chooseNewPassphrase(invocation);
    const isEncrypted = passphrase !== undefined;
    const key = await createKeyFile(file, passphrase);
    const publicKey = formatPublicKey(key);
    return {
      json: { ok: true, file, keyId: key.keyId, publicKey, isEncrypted },
      text: [
        `made a publisher key in ${file} (readable by you alone${isEncrypted ? ", encrypted" : ", not encrypted"}; back it up)`,
        `  fingerprint  ${formatFingerprint(key.keyId)}`,
        `  public key   ${publicKey}`,
        "Give the fingerprint to those who install your plugins, on another way than the package itself.",
      ].join("\n"),
    };
  },

  async "create-deployment"(invocation) {
    const repository = invocation.text("repository");
    if (repository === undefined)
      throw new CliError("CLI_USAGE", "expected --repository NAME: a deployment key is good for one repository");
    const file = invocation.text("key") ?? deploymentKeyFile(invocation);
    await makeKeyFolder(invocation, file);
    const passphrase = await chooseNewPassphrase(invocation);
    const isEncrypted = passphrase !== undefined;
    const { keyId } = await createDeploymentKeyFile(file, repository, passphrase);
    return {
      json: { ok: true, file, keyId, repository, isEncrypted },
      text: [
        `made a deployment key for ${repository} in ${file} (readable by you alone${isEncrypted ? ", encrypted" : ", not encrypted"})`,
        `  fingerprint  ${formatFingerprint(keyId)}`,
        "Whoever holds it can sign anything in your deployment's name; there is no public half.",
        `Hosts take what it signs where their policy says "repository": "${repository}".`,
      ].join("\n"),
    };
  },

  async show(invocation) {
    const key = await readPublisherKey(invocation);
    const publicKey = formatPublicKey(key);
    return { json: { ok: true, keyId: key.keyId, publicKey }, text: `${formatFingerprint(key.keyId)}\n${publicKey}` };
  },

  async trust(invocation, [publisher, source]) {
    if (publisher === undefined || source === undefined)
      throw new CliError("CLI_USAGE", "expected a publisher, and a public key or a file that holds one");
    if (!isIdPart(publisher)) {
      throw new CliError("CLI_USAGE", `expected a publisher's name such as "acme", found ${quote(publisher)}`);
    }
    const line = source.startsWith("berth-ed25519 ") ? source : new TextDecoder().decode(await readInput(source));
    const key = parsePublicKey(line.trim());
    await withHost(invocation, (host) => host.trustKey(publisher, key));
    return {
      json: { ok: true, publisher, keyId: key.keyId },
      text: `this host now trusts ${formatFingerprint(key.keyId)} for everything that ${publisher} signs`,
    };
  },

  async list(invocation) {
    const keys = await withHost(invocation, (host) => host.trustedKeys());
    const lines = keys.map(
      ({ publisher, keyId, how, addedAt }) => `${publisher.padEnd(20)} ${formatFingerprint(keyId)}  ${how}, ${addedAt}`,
    );
    return {
      json: { ok: true, keys },
      text: lines.length === 0 ? "this host trusts no publisher yet" : lines.join("\n"),
    };
  },
};

export const command: Command = {
  summary: "make, show, trust and list keys",
  usage: "create|create-deployment --repository NAME|show|list|trust PUBLISHER KEY",
  options: {
    key: { type: "string", value: "FILE", help: "the private key's file" },
    repository: { type: "string", value: "NAME", help: "the one repository that a deployment key is good for" },
    "no-passphrase": { type: "boolean", help: "store a new key unencrypted, without asking" },
  },
  async run(invocation) {
    const [verb = "", ...rest] = invocation.args;
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (run === undefined)
      throw new CliError("CLI_USAGE", `expected one of ${Object.keys(verbs).join(", ")}, found ${quote(verb)}`);
    return run(invocation, rest);
  },
};
