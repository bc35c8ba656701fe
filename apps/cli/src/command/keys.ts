import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";

import { quote } from "@berth/base";
import { createKeyFile, formatFingerprint, formatPublicKey, parsePublicKey } from "@berth/trust";

import type { Command, Invocation, Outcome } from "../command.ts";
import { CliError } from "../errors.ts";
import { readInput } from "../files.ts";
import { publisherKeyFile, readPublisherKey } from "../publisher-key.ts";
import { withHost } from "../with-host.ts";

const verbs: Readonly<Record<string, (invocation: Invocation, args: readonly string[]) => Promise<Outcome>>> = {
  async create(invocation) {
    const file = publisherKeyFile(invocation);
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const key = await createKeyFile(file);
    const publicKey = formatPublicKey(key);
    return {
      json: { ok: true, file, keyId: key.keyId, publicKey },
      text: [
        `made a publisher key in ${file} (readable by you alone; back it up)`,
        `  fingerprint  ${formatFingerprint(key.keyId)}`,
        `  public key   ${publicKey}`,
        "Give the fingerprint to those who install your plugins, on another way than the package itself.",
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
  usage: "create|show|list|trust PUBLISHER KEY",
  options: { key: { type: "string", value: "FILE", help: "the private key's file" } },
  async run(invocation) {
    const [verb = "", ...rest] = invocation.args;
    const run = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
    if (run === undefined)
      throw new CliError("CLI_USAGE", `expected one of ${Object.keys(verbs).join(", ")}, found ${quote(verb)}`);
    return run(invocation, rest);
  },
};
