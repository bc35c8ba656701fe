import type { ErrorReport } from "@berth/base";

import type { DevelopmentSummary } from "../development/development-folder.ts";
import type { PublisherSigner, UncheckedDeployment } from "../install/signer.ts";
import type { PluginState } from "../lifecycle/transitions.ts";

/** Where a host looks for plugins, and how long. */
export interface DiscoveryRequest {
  /** Folders to look in, in place of `HostOptions.pluginFolders`. */
  readonly folders?: readonly string[];
  /** Ends the search after the entry that is being read. */
  readonly signal?: AbortSignal;
}

/** What lies in folders of plugins. By being found nothing is trusted, granted, installed, built or run. */
export interface Discovery {
  /** In the order in which they were named; one that was named twice stands once. */
  readonly folders: readonly SearchedFolder[];
  /** By id, then by path; what does not say whose it is comes last. */
  readonly found: readonly DiscoveredPlugin[];
}

/** A folder that was looked in, not into the folders below those in it. */
export interface SearchedFolder {
  /** Real path; as it was named where there is none. */
  readonly path: string;
  /** Whether everything in it was listed: at most 10,000 names are looked at, and 1,000 plugins listed. */
  readonly isWhole: boolean;
  /** Symbolic links in it, none of which was followed. */
  readonly links: number;
  /** Why it could not be looked in; the other folders were. */
  readonly error?: ErrorReport;
}

/** A plugin that lies in a folder, as a package or as its author's sources. */
export type DiscoveredPlugin = DiscoveredPackage | DiscoveredDevelopment;

interface AnyDiscovered {
  readonly path: string;
  /** What it says of itself, as the two members below; whether that is true only a package's `signer` tells. */
  readonly id: string | undefined;
  readonly version: string | undefined;
  readonly displayName: string | undefined;
  /** How many of what was found claim this id, itself among them; 0 where it claims none. */
  readonly claimants: number;
  /** The plugin of this id that is installed; absent where there is none. */
  readonly installed?: InstalledNamesake;
  /**
   * Why it is refused, or could not be read; a package without one can be planned and consented to. Without details,
   * and cut to 2,000 characters; to 100 where others of its folder have said 200,000 already.
   */
  readonly error?: ErrorReport;
}

/** An installed plugin that has the same id as what was found. */
export interface InstalledNamesake {
  readonly version: string;
  readonly state: PluginState;
  /** Whether that is exactly this: the same content of a package, or built from this folder, whatever it holds now. */
  readonly isThis: boolean;
}

/** A packed plugin. It is installed like any other: by `Host.plan` and consent, or `berth install PATH`. */
export interface DiscoveredPackage extends AnyDiscovered {
  readonly kind: "package";
  /** Of the file; `undefined` where there is no plain file. */
  readonly sizeBytes: number | undefined;
  readonly contentDigest: string | undefined;
  readonly fileDigest: string | undefined;
  /**
   * Who vouches for it; absent where nobody does whom this host could take. `first-use`: trusted by nobody yet;
   * `unchecked-deployment`: that only the plan can tell, because a listing unlocks no secret.
   */
  readonly signer?: PublisherSigner | UncheckedDeployment;
}

/** A folder with a manifest: unsigned, without rights. Only `developmentFolders` in code or `berth dev` run it. */
export interface DiscoveredDevelopment extends AnyDiscovered {
  readonly kind: "development";
  /** As `Host.developments` lists it; absent where the host was not opened with this folder. */
  readonly state?: DevelopmentSummary["state"];
}
