import { formatBytes } from "@berth/spec";
import { openPackage, unverifiedEnvelopeOf } from "@berth/host";
import { formatFingerprint, unverifiedSignerKeys, verifyRelease } from "@berth/trust";

import type { Command } from "../command.ts";
import { onlyArgument, readInput } from "../files.ts";
import { showProgress } from "../progress.ts";
import { registryOptions, tokenOptions, withRegistry } from "../registry-access.ts";

export const command: Command = {
  summary: "publish a signed package to a registry",
  usage: "FILE [--registry NAME|URL] [--token-file FILE]",
  options: { ...registryOptions, ...tokenOptions },
  async run(invocation) {
    const bytes = await readInput(onlyArgument(invocation.args, "a package"));
    // What the registry would refuse anyway is refused before anything is sent.
    const opened = openPackage(bytes);
    const { unverifiedManifest, contentDigest } = opened;
    // A registry takes what publishers signed: a deployment's secret says nothing outside the deployment.
    const envelope = unverifiedEnvelopeOf(opened, "publisher");
    const { id, version } = unverifiedManifest;
    return withRegistry(invocation, async ({ url, client, api }) => {
      const { repository } = await client.info();
      const expected = { plugin: id, version, contentDigest, repository, now: new Date() };
      const { keyId } = verifyRelease({ envelope, expected, keys: unverifiedSignerKeys(envelope) });
      const progress = showProgress(invocation.terminal);
      let sent = 0;
      try {
        const published = await api.publish(id, version, bytes, {
          onBytes: (count) => progress.update("uploading", (sent += count), bytes.length),
        });
        return {
          json: { ok: true, registry: url.href, keyId, ...published },
          text: [
            `published ${id} ${version} to ${url.href}`,
            `  size     ${formatBytes(bytes.length)}`,
            `  content  ${published.contentDigest}`,
            `  key      ${formatFingerprint(keyId)}`,
          ].join("\n"),
        };
      } finally {
        progress.end();
      }
    });
  },
};
