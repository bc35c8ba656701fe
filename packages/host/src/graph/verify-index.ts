import { canonicalJson } from "@berth/base";
import type { Json } from "@berth/base";
import type { Manifest, ReleaseIndex } from "@berth/spec";

import { HostError } from "../errors.ts";
import type { Plan } from "../install/plan.ts";

/**
 * Compares what was resolved with what was downloaded. The index comes from the registry alone, the manifest
 * is signed by its publisher: a difference means that something else would be installed than was chosen.
 *
 * @throws HostError HOST_INDEX_DIFFERS
 */
export function verifyIndex({ manifest, contentDigest, signer }: Plan, index: ReleaseIndex): void {
  const pairs: Readonly<Record<string, readonly [unknown, unknown]>> = {
    "content digest": [index.contentDigest, contentDigest],
    key: [index.keyId, signer.keyId],
    "range of the Berth API": [index.api, manifest.api],
    "security level": [index.level, manifest.level],
    dependencies: [plain(index.dependencies), plain(manifest.dependencies)],
    "optional dependencies": [plain(index.optionalDependencies), plain(manifest.optionalDependencies)],
    conflicts: [index.conflicts, manifest.conflicts],
    permissions: [namesOf(index.permissions), namesOf(manifest.permissions.map(({ name }) => name))],
  };
  for (const [what, [said, found]] of Object.entries(pairs)) {
    if (canonicalJson(said as Json) === canonicalJson(found as Json)) continue;
    throw new HostError("HOST_INDEX_DIFFERS", `the registry's index and the signed package differ in the ${what}`, {
      details: { what, index: said, package: found },
    });
  }
}

/** A range alone means the same as one that is not lazy. */
const plain = (dependencies: Manifest["dependencies"]): Json =>
  Object.fromEntries(
    Object.entries(dependencies).map(([id, dependency]) => [
      id,
      typeof dependency === "string" ? { range: dependency, lazy: false } : dependency,
    ]),
  );

const namesOf = (names: readonly string[]): Json => Array.from(new Set(names)).toSorted();
