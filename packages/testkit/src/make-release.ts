import { packPackage, replaceEnvelopes } from "@berth/archive";
import { parseManifest } from "@berth/spec";
import type { ReleaseIndex } from "@berth/spec";
import { signRelease } from "@berth/trust";
import type { PrivateKey } from "@berth/trust";
import { createHash } from "node:crypto";

const DEFAULT_CODE = "var berthPlugin = { actions: { echo: (value) => value } };";

/** What a release of the tests is made of; anything left out is something harmless. */
export interface ReleaseParts {
  readonly id: string;
  readonly version?: string;
  readonly key: PrivateKey;
  readonly code?: string;
  /** Members of the manifest, over the usual ones. */
  readonly manifest?: Readonly<Record<string, unknown>>;
  readonly publishedAt?: string;
  /** Binds the statement to this trust domain. */
  readonly repository?: string;
}

/** A signed package, and what an honest registry says of it. */
export interface MadeRelease {
  readonly id: string;
  readonly bytes: Uint8Array;
  readonly key: PrivateKey;
  readonly index: ReleaseIndex;
}

/** Makes a signed package of a small plugin. */
export function makeRelease(parts: ReleaseParts): MadeRelease {
  const { id, version = "1.0.0", key, code = DEFAULT_CODE, publishedAt = "2026-01-02T00:00:00.000Z" } = parts;
  const written = {
    id,
    version,
    displayName: id,
    description: "A plugin of the tests.",
    license: "MIT",
    categories: ["utilities"],
    api: "^1.0",
    runtime: { kind: "javascript", entry: "plugin.js" },
    capabilities: ["data_processing"],
    contributes: { actions: { echo: { input: true, output: true } } },
    ...parts.manifest,
  };
  const encoder = new TextEncoder();
  const manifestBytes = encoder.encode(JSON.stringify(written));
  const { bytes: unsigned, contentDigest } = packPackage({
    files: [
      { path: "manifest.json", bytes: manifestBytes },
      { path: "plugin.js", bytes: encoder.encode(code) },
    ],
  });
  const bound = parts.repository === undefined ? {} : { repository: parts.repository };
  const statement = { plugin: id, version, contentDigest, time: "2026-01-01T00:00:00.000Z", ...bound };
  const bytes = replaceEnvelopes(unsigned, new Map([["META/release.dsse", signRelease(statement, key)]]));
  const { api, level, dependencies, optionalDependencies, conflicts, permissions } = parseManifest(manifestBytes);
  return {
    id,
    bytes,
    key,
    index: {
      version,
      contentDigest,
      fileDigest: `sha256:${createHash("sha256").update(bytes).digest("hex")}`,
      fileSize: bytes.length,
      keyId: key.keyId,
      publishedAt,
      api,
      level,
      dependencies,
      optionalDependencies,
      conflicts,
      permissions: permissions.map(({ name }) => name),
    },
  };
}
