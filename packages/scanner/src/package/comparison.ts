import type { CapabilityUse } from "./capabilities.ts";
import { objectMember, permissionsOf, textMember, type UnverifiedManifest } from "./unverified-manifest.ts";

/** What one release says and does, as far as it matters for comparing it with the next one. */
export interface ReleaseTraits {
  readonly permissions: ReadonlySet<string>;
  readonly dependencies: ReadonlySet<string>;
  readonly capabilities: ReadonlySet<string>;
  readonly hosts: ReadonlySet<string>;
  readonly scripts: ReadonlySet<string>;
  readonly publisher: string | undefined;
  /** Bits of entropy in each character of a program's text, by path. */
  readonly entropies: ReadonlyMap<string, number>;
}

export function traitsOf(
  manifests: readonly UnverifiedManifest[],
  uses: readonly CapabilityUse[],
  hosts: ReadonlySet<string>,
  entropies: ReadonlyMap<string, number>,
): ReleaseTraits {
  const names = (group: string): string[] =>
    manifests.flatMap((manifest) => Object.keys(objectMember(manifest.value, group)));
  return {
    permissions: new Set(manifests.flatMap((manifest) => permissionsOf(manifest) ?? [])),
    dependencies: new Set([...names("dependencies"), ...names("optionalDependencies")]),
    capabilities: new Set(uses.map(({ capability }) => capability)),
    hosts,
    scripts: new Set(names("scripts").filter((name) => /^(?:pre|post)?install$|^prepare$/u.test(name))),
    publisher: manifests.map(publisherOf).find((publisher) => publisher !== undefined),
    entropies,
  };
}

/** Who stands behind a release by its own word: the publisher part of its id, or its author. */
function publisherOf({ value }: UnverifiedManifest): string | undefined {
  const id = textMember(value, "id");
  return textMember(value, "publisher") ?? id?.split(".", 1)[0] ?? textMember(value, "author");
}

/** Shannon entropy of a text in bits for each UTF-16 code unit; 0 for an empty one. */
export function entropyOf(text: string): number {
  const counts = new Uint32Array(65_536);
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    counts[code] = (counts[code] ?? 0) + 1;
  }
  let bits = 0;
  for (const count of counts) {
    if (count === 0) continue;
    const share = count / text.length;
    bits -= share * Math.log2(share);
  }
  return bits;
}
