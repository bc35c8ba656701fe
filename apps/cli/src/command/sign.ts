import { readPackage, replaceEnvelopes } from "@berth/archive";
import { DEPLOYMENT_ENVELOPE, RELEASE_ENVELOPE } from "@berth/host";
import { MANIFEST_FILE, SpecError, parseManifest } from "@berth/spec";
import { MAX_DEPLOYMENT_DAYS, formatFingerprint, signDeployment, signRelease } from "@berth/trust";
import type { ReleaseFacts } from "@berth/trust";

import type { Command, Invocation } from "../command.ts";
import { readDeploymentKey } from "../deployment-key.ts";
import { CliError } from "../errors.ts";
import { onlyArgument, readInput, writeWhole } from "../files.ts";
import { readPublisherKey } from "../publisher-key.ts";

const DEFAULT_DAYS = 90;

export const command: Command = {
  summary: "sign a package with your publisher key, or with your deployment's secret",
  usage: "FILE [--key FILE] [--repository NAME] | FILE --deployment-key FILE [--days N]",
  options: {
    key: { type: "string", value: "FILE", help: "the private key (else the one that `berth keys create` made)" },
    repository: {
      type: "string",
      value: "NAME",
      help: "bind the signature to one trust domain; left out, it holds in all",
    },
    "deployment-key": { type: "string", value: "FILE", help: "sign with this deployment's secret instead" },
    days: { type: "string", value: "N", help: `how long hosts may install it (default ${DEFAULT_DAYS})` },
  },
  async run(invocation) {
    const file = onlyArgument(invocation.args, "a package");
    const bytes = await readInput(file);
    const { files, contentDigest, envelopes } = readPackage(bytes);
    const manifestFile = files.get(MANIFEST_FILE);
    if (manifestFile === undefined)
      throw new SpecError("SPEC_MANIFEST_INVALID", `the package has no ${MANIFEST_FILE} at its root`);
    const { id, version } = parseManifest(manifestFile.bytes);
    const facts = { plugin: id, version, contentDigest, time: new Date().toISOString() };
    const { name, envelope, keyId, ...more } = await makeEnvelope(invocation, facts);
    const signed = replaceEnvelopes(bytes, new Map([...envelopes, [name, envelope]]));
    await writeWhole(file, signed);
    return {
      json: { ok: true, file, id, version, contentDigest, keyId, ...more },
      text: [
        `signed ${id} ${version}`,
        `  key      ${formatFingerprint(keyId)}`,
        `  content  ${contentDigest}`,
        `next: berth verify ${file}`,
      ].join("\n"),
    };
  },
};

interface MadeEnvelope {
  readonly name: string;
  readonly envelope: Uint8Array;
  readonly keyId: string;
  readonly repository?: string;
  readonly expires?: string;
}

async function makeEnvelope(invocation: Invocation, facts: ReleaseFacts): Promise<MadeEnvelope> {
  const { text } = invocation;
  const file = text("deployment-key");
  const repository = text("repository");
  if (file === undefined) {
    if (text("days") !== undefined) throw new CliError("CLI_USAGE", "--days goes with --deployment-key");
    const key = await readPublisherKey(invocation);
    const bound = repository === undefined ? {} : { repository };
    return { name: RELEASE_ENVELOPE, envelope: signRelease({ ...facts, ...bound }, key), keyId: key.keyId };
  }
  if (repository !== undefined || text("key") !== undefined)
    throw new CliError("CLI_USAGE", "--deployment-key goes without --key and --repository: it names its repository");
  const days = Number(text("days") ?? DEFAULT_DAYS);
  if (!Number.isInteger(days) || days < 1 || days > MAX_DEPLOYMENT_DAYS)
    throw new CliError("CLI_USAGE", `--days takes a whole number from 1 to ${MAX_DEPLOYMENT_DAYS}`);
  const key = await readDeploymentKey(invocation, file);
  const expires = new Date(Date.parse(facts.time) + days * 86_400_000).toISOString();
  const envelope = signDeployment({ ...facts, expires }, key);
  return { name: DEPLOYMENT_ENVELOPE, envelope, keyId: key.keyId, repository: key.repository, expires };
}
