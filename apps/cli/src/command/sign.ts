import { readPackage, replaceEnvelopes } from "@berth/archive";
import { RELEASE_ENVELOPE } from "@berth/host";
import { MANIFEST_FILE, SpecError, parseManifest } from "@berth/spec";
import { formatFingerprint, signRelease } from "@berth/trust";

import type { Command } from "../command.ts";
import { onlyArgument, readInput, writeWhole } from "../files.ts";
import { readPublisherKey } from "../publisher-key.ts";

export const command: Command = {
  summary: "sign a package with your publisher key",
  usage: "FILE [--key FILE] [--repository NAME]",
  options: {
    key: { type: "string", value: "FILE", help: "the private key (else the one that `berth keys create` made)" },
    repository: {
      type: "string",
      value: "NAME",
      help: "bind the signature to one trust domain; left out, it holds in all",
    },
  },
  async run(invocation) {
    const file = onlyArgument(invocation.args, "a package");
    const bytes = await readInput(file);
    const { files, contentDigest, envelopes } = readPackage(bytes);
    const manifestFile = files.get(MANIFEST_FILE);
    if (manifestFile === undefined)
      throw new SpecError("SPEC_MANIFEST_INVALID", `the package has no ${MANIFEST_FILE} at its root`);
    const { id, version } = parseManifest(manifestFile.bytes);
    const key = await readPublisherKey(invocation);
    const repository = invocation.text("repository");
    const statement = {
      plugin: id,
      version,
      contentDigest,
      time: new Date().toISOString(),
      ...(repository !== undefined && { repository }),
    };
    const signed = replaceEnvelopes(bytes, new Map([...envelopes, [RELEASE_ENVELOPE, signRelease(statement, key)]]));
    await writeWhole(file, signed);
    return {
      json: { ok: true, file, id, version, contentDigest, keyId: key.keyId },
      text: [
        `signed ${id} ${version}`,
        `  key      ${formatFingerprint(key.keyId)}`,
        `  content  ${contentDigest}`,
        `next: berth verify ${file}`,
      ].join("\n"),
    };
  },
};
