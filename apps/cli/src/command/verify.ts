import { openPackage, unverifiedEnvelopeOf } from "@berth/host";
import type { OpenedPackage } from "@berth/host";
import { formatFingerprint, parsePublicKey, unverifiedSignerKeys, verifyDeployment, verifyRelease } from "@berth/trust";

import type { Command, Invocation } from "../command.ts";
import { readDeploymentKey } from "../deployment-key.ts";
import { CliError } from "../errors.ts";
import { onlyArgument, readInput } from "../files.ts";

export const command: Command = {
  summary: "check a package: archive, files, manifest and signature; needs no network",
  usage: "FILE [--key PUBLICKEY] [--repository NAME] | FILE --deployment-key FILE",
  options: {
    key: { type: "string", value: "PUBLICKEY", help: "the publisher's public key, or a file that holds it" },
    repository: { type: "string", value: "NAME", help: "the trust domain that a bound signature must name" },
    "deployment-key": { type: "string", value: "FILE", help: "check your deployment's signature with this secret" },
  },
  async run(invocation) {
    const file = onlyArgument(invocation.args, "a package");
    const opened = openPackage(await readInput(file));
    const { unverifiedManifest, contentDigest, fileDigest, files } = opened;
    const { id, version } = unverifiedManifest;
    const { signer, lines } = await verifySignature(invocation, opened);
    return {
      json: { ok: true, file, id, version, contentDigest, fileDigest, files: files.size, signer },
      text: [`${id} ${version}: intact, ${files.size} files`, `  content    ${contentDigest}`, ...lines].join("\n"),
    };
  },
};

interface VerifiedSignature {
  readonly signer: object;
  readonly lines: readonly string[];
}

async function verifySignature(invocation: Invocation, opened: OpenedPackage): Promise<VerifiedSignature> {
  const { text } = invocation;
  const { unverifiedManifest, contentDigest } = opened;
  const { id, version } = unverifiedManifest;
  const expected = { plugin: id, version, contentDigest, now: new Date() };
  const keyFile = text("deployment-key");
  if (keyFile !== undefined) {
    if (text("key") !== undefined || text("repository") !== undefined)
      throw new CliError("CLI_USAGE", "--deployment-key goes without --key and --repository: it names its repository");
    const key = await readDeploymentKey(invocation, keyFile);
    const envelope = unverifiedEnvelopeOf(opened, "deployment");
    const { time, expires, repository } = verifyDeployment({ envelope, expected, key });
    return {
      signer: { keyId: key.keyId, isCompared: true, time, repository, expires },
      lines: [
        `  signed by  a holder of ${repository}'s deployment key ${formatFingerprint(key.keyId)} at ${time}`,
        `             until ${expires}; it does not say who the publisher is`,
      ],
    };
  }
  const envelope = unverifiedEnvelopeOf(opened, "publisher");
  const given = text("key");
  const keys = given === undefined ? unverifiedSignerKeys(envelope) : [parsePublicKey(await keyLine(given))];
  const repository = text("repository");
  const bound = repository === undefined ? expected : { ...expected, repository };
  const { keyId, statement } = verifyRelease({ envelope, expected: bound, keys });
  const isCompared = given !== undefined;
  return {
    signer: { keyId, isCompared, time: statement.time },
    lines: [
      `  signed by  ${formatFingerprint(keyId)} at ${statement.time}`,
      isCompared
        ? "             which is the key you named"
        : "             compare this fingerprint with the publisher's, or give --key",
    ],
  };
}

async function keyLine(given: string): Promise<string> {
  return given.startsWith("berth-ed25519 ") ? given : new TextDecoder().decode(await readInput(given)).trim();
}
