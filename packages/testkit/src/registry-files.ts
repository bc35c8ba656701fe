import { packageFileName, parsePluginId } from "@berth/spec";
import type { PluginIndex, RegistryInfo, ReleaseIndex } from "@berth/spec";

import type { MadeRelease } from "./make-release.ts";

/** The static files of a registry, in memory. */
export class RegistryFiles {
  readonly files = new Map<string, Uint8Array>();
  readonly #plugins = new Map<string, PluginIndex>();

  constructor(info: Partial<RegistryInfo> = {}) {
    this.describe(info);
  }

  /** Says anew what kind of registry this is. */
  describe(info: Partial<RegistryInfo>): void {
    this.#write("index/registry.json", {
      kind: "berth-registry",
      format: 1,
      repository: "tests",
      openRegistration: false,
      signedMetadata: false,
      ...info,
    });
  }

  publish(...releases: readonly MadeRelease[]): this {
    for (const { id, bytes, key, index } of releases) {
      const { publisher, name } = parsePluginId(id);
      const { keyId, publicKey } = key;
      const before = this.#plugins.get(id);
      const keys = [
        ...(before?.publisher.keys.filter((known) => known.keyId !== keyId) ?? []),
        { keyId, algorithm: "ed25519" as const, publicKey, addedAt: "2026-01-01T00:00:00.000Z" },
      ];
      this.files.set(`packages/${publisher}/${name}/${packageFileName(id, index.version)}`, bytes);
      this.change(id, () => ({
        publisher: { name: publisher, keys },
        releases: [index, ...(before?.releases ?? [])],
      }));
    }
    return this;
  }

  /** Changes a plugin's index file, with a new revision unless told otherwise. */
  change(id: string, change: (index: PluginIndex) => Partial<PluginIndex>): void {
    const { publisher, name } = parsePluginId(id);
    const before = this.#plugins.get(id) ?? {
      format: 1,
      id,
      revision: 0,
      updatedAt: "2026-01-02T00:00:00.000Z",
      publisher: { name: publisher, keys: [] },
      releases: [],
    };
    const after = { ...before, revision: before.revision + 1, ...change(before) };
    this.#plugins.set(id, after);
    this.#write(`index/plugins/${publisher}/${name}.json`, after);
  }

  /** Changes what the index says of one release. */
  changeRelease(id: string, version: string, change: Partial<ReleaseIndex>): void {
    this.change(id, ({ releases }) => ({
      releases: releases.map((release) => (release.version === version ? { ...release, ...change } : release)),
    }));
  }

  #write(path: string, value: unknown): void {
    this.files.set(path, new TextEncoder().encode(JSON.stringify(value)));
  }
}
