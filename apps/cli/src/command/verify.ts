import { openPackage } from "@berth/host";
import { formatFingerprint, parsePublicKey, unverifiedSignerKeys, verifyRelease } from "@berth/trust";

import type { Command } from "../command.ts";
import { onlyArgument, readInput } from "../files.ts";

export const command: Command = {
  summary: "check a package: archive, files, manifest and signature; needs no network",
  usage: "FILE [--key PUBLICKEY] [--repository NAME]",
  options: {
    key: { type: "string", value: "PUBLICKEY", help: "the publisher's public key, or a file that holds it" },
    repository: { type: "string", value: "NAME", help: "the trust domain that a bound signature must name" },
  },
  async run({ args, text }) {
    const file = onlyArgument(args, "a package");
    const { unverifiedManifest, contentDigest, fileDigest, files, envelope } = openPackage(await readInput(file));
    const given = text("key");
    const keys = given === undefined ? unverifiedSignerKeys(envelope) : [parsePublicKey(await keyLine(given))];
    const { id, version } = unverifiedManifest;
    const repository = text("repository");
    const expected = {
      plugin: id,
      version,
      contentDigest,
      now: new Date(),
      ...(repository !== undefined && { repository }),
    };
    const { keyId, statement } = verifyRelease({ envelope, expected, keys });
    const isCompared = given !== undefined;
    return {
      json: {
        ok: true,
        file,
        id,
        version,
        contentDigest,
        fileDigest,
        files: files.size,
        signer: { keyId, isCompared, time: statement.time },
      },
      text: [
        `${id} ${version}: intact, ${files.size} files`,
        `  content    ${contentDigest}`,
        `  signed by  ${formatFingerprint(keyId)} at ${statement.time}`,
        isCompared
          ? "             which is the key you named"
          : "             compare this fingerprint with the publisher's, or give --key",
      ].join("\n"),
    };
  },
};

async function keyLine(given: string): Promise<string> {
  return given.startsWith("berth-ed25519 ") ? given : new TextDecoder().decode(await readInput(given)).trim();
}
