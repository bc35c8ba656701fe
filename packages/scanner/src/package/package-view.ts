import type { SourceFile } from "../source-file.ts";
import type { CapabilityUse } from "./capabilities.ts";
import type { ReleaseTraits } from "./comparison.ts";
import type { KnownName } from "./known-names.ts";
import type { UnverifiedManifest } from "./unverified-manifest.ts";

/** A package as the rules on packages see it. */
export interface PackageView {
  readonly files: ReadonlyMap<string, SourceFile>;
  readonly manifests: readonly UnverifiedManifest[];
  readonly uses: readonly CapabilityUse[];
  /** Hosts that requests in the code go to, by file. */
  readonly hosts: readonly { readonly path: string; readonly host: string }[];
  readonly knownNames: readonly KnownName[];
  /** What this release says and does, for comparing it with others. */
  readonly traits: ReleaseTraits;
  /** The same of the release before, where it was handed in. */
  readonly previous: ReleaseTraits | undefined;
  /** The files that the package's entries load; `undefined` when that cannot be told. */
  readonly reached: ReadonlySet<string> | undefined;
  /** Whether all files of the package are here; a lone manifest says nothing about missing files. */
  readonly isWhole: boolean;
}
