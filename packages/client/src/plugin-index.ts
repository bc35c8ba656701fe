import { canonicalJson } from "@berth/base";
import { publisherOf } from "@berth/spec";
import type { PluginIndex } from "@berth/spec";

import { ClientError } from "./errors.ts";
import { sha256Hex } from "./node-digest.ts";
import type { SeenRevision } from "./registry-memory.ts";

/**
 * Checks what a schema cannot: that the file is about the plugin that was asked for, that no release stands
 * twice, and that each was signed by a key of the publisher that was not taken back before.
 *
 * Gives the file's state for `compareRevision`. Its digest is over what decides what gets installed, not
 * over the text, so that a registry may learn new members.
 *
 * @throws ClientError CLIENT_ANSWER_INVALID
 */
export function verifyPluginIndex(index: PluginIndex, pluginId: string, what: string): SeenRevision {
  const invalid = (found: string): ClientError => new ClientError("CLIENT_ANSWER_INVALID", `${what}: ${found}`);
  if (index.id !== pluginId) throw invalid(`the file is about ${index.id}`);
  if (index.publisher.name !== publisherOf(pluginId)) {
    throw invalid(`the file names the publisher ${index.publisher.name}, the id ${publisherOf(pluginId)}`);
  }
  const keys = new Map(index.publisher.keys.map((key) => [key.keyId, key]));
  const versions = new Set<string>();
  for (const { version, keyId, publishedAt } of index.releases) {
    if (versions.has(version)) throw invalid(`release ${version} stands twice`);
    versions.add(version);
    const key = keys.get(keyId);
    if (key === undefined) throw invalid(`release ${version} is signed by ${keyId}, which is no key of the publisher`);
    if (key.retiredAt !== undefined && Date.parse(publishedAt) > Date.parse(key.retiredAt)) {
      throw invalid(`release ${version} is signed by a key that its publisher had taken back before`);
    }
  }
  const releases = index.releases.map(({ version, contentDigest, fileDigest, keyId, yanked }) => [
    version,
    contentDigest,
    fileDigest,
    keyId,
    yanked !== undefined,
  ]);
  return { revision: index.revision, digest: `sha256:${sha256Hex(canonicalJson(releases))}` };
}
