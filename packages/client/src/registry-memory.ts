import { quote } from "@berth/base";
import type { RegistryInfo } from "@berth/spec";

import { ClientError } from "./errors.ts";

/** A state of a plugin's index file: its revision, and the digest of its text. */
export interface SeenRevision {
  readonly revision: number;
  readonly digest: string;
}

/** What a registry said of itself before. */
export interface SeenRegistry {
  /** `undefined` when its owner forgot it on purpose. */
  readonly repository: string | undefined;
  readonly signedMetadata: boolean;
}

/**
 * What was seen of one registry. Its owner keeps it between runs; without that, going back in time is
 * noticed only within one run.
 */
export interface RegistryMemory {
  registry(): Promise<SeenRegistry | undefined>;
  noteRegistry(seen: SeenRegistry): void;
  revision(pluginId: string): Promise<SeenRevision | undefined>;
  noteRevision(pluginId: string, seen: SeenRevision): void;
}

/** A memory that ends with the process. */
export function shortMemory(): RegistryMemory {
  let registry: SeenRegistry | undefined;
  const revisions = new Map<string, SeenRevision>();
  return {
    registry: () => Promise.resolve(registry),
    noteRegistry: (seen) => void (registry = seen),
    revision: (pluginId) => Promise.resolve(revisions.get(pluginId)),
    noteRevision: (pluginId, seen) => void revisions.set(pluginId, seen),
  };
}

/** @throws ClientError CLIENT_REGISTRY_CHANGED, CLIENT_METADATA_MISSING */
export async function compareRegistry(memory: RegistryMemory, info: RegistryInfo, url: URL): Promise<void> {
  const before = await memory.registry();
  if (before?.repository !== undefined && before.repository !== info.repository) {
    throw new ClientError(
      "CLIENT_REGISTRY_CHANGED",
      `${url.href} answers for the trust domain ${quote(info.repository)}, before it was ${quote(before.repository)}`,
    );
  }
  if (before?.signedMetadata === true && !info.signedMetadata) {
    throw new ClientError(
      "CLIENT_METADATA_MISSING",
      `${url.href} had signed metadata before and now says that it has none`,
    );
  }
  const { repository, signedMetadata } = info;
  if (before?.signedMetadata !== signedMetadata || before.repository !== repository)
    memory.noteRegistry({ repository, signedMetadata });
}

/** @throws ClientError CLIENT_ROLLED_BACK */
export async function compareRevision(memory: RegistryMemory, pluginId: string, found: SeenRevision): Promise<void> {
  const before = await memory.revision(pluginId);
  if (before !== undefined && found.revision < before.revision) {
    throw new ClientError(
      "CLIENT_ROLLED_BACK",
      `the index of ${pluginId} has revision ${found.revision}, and had ${before.revision} before`,
    );
  }
  if (before !== undefined && found.revision === before.revision && found.digest !== before.digest) {
    throw new ClientError(
      "CLIENT_ROLLED_BACK",
      `the index of ${pluginId} was changed without a new revision (${found.revision})`,
    );
  }
  if (before === undefined || found.revision > before.revision) memory.noteRevision(pluginId, found);
}
