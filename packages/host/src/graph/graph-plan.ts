import type { Lockfile } from "@berth/resolver";
import type { Permission, ScanResult } from "@berth/spec";

import type { Plan } from "../install/plan.ts";

/** What is to be installed, together. */
export interface GraphRequest {
  /** Plugin id to version range; `*` for the newest that fits. Found in the registries. */
  readonly plugins?: Readonly<Record<string, string>>;
  /** Packages at hand; what they depend on is found in the registries. */
  readonly packages?: readonly Uint8Array[];
  /** Versions to prefer where they fit. */
  readonly lock?: Lockfile;
  /** Install exactly what the lock holds, or refuse. `plugins` and `packages` stay empty. */
  readonly isFrozen?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: GraphProgress) => void;
}

/** How far a plan is. */
export type GraphProgress =
  | { readonly step: "resolving"; readonly lists: number }
  | {
      readonly step: "downloading";
      readonly doneBytes: number;
      readonly totalBytes: number;
      readonly packages: number;
    };

/** One package of a graph: verified, scanned, not installed. */
export interface GraphMember extends Plan {
  /** Address of the registry it came from; `undefined` for a file. */
  readonly registry: string | undefined;
  /** The range that was asked for; `undefined` for what others need. */
  readonly askedRange: string | undefined;
  /** Members and installed plugins that need it, by id. */
  readonly neededBy: readonly string[];
  readonly scan: ScanResult;
  /** Whether a person must confirm the scanner's findings. */
  readonly needsConfirmation: boolean;
  /** The registry's advice against it. */
  readonly deprecated: string | undefined;
  readonly yanked: string | undefined;
}

/** A publisher whose packages a plan takes from a registry. */
export interface PublisherOrigin {
  readonly publisher: string;
  /** The registry's address. */
  readonly url: string;
  /** Installing binds the publisher's name to this registry. */
  readonly isNew: boolean;
}

/** What installing a graph would do. Everything in it was verified; nothing was changed. */
export interface GraphPlan {
  /** In the order in which they can start: what is needed comes first. */
  readonly members: readonly GraphMember[];
  /** Plugins that stay as they are and were not asked for by anybody before, with the range asked for now. */
  readonly newlyAsked: Readonly<Record<string, string>>;
  /** Everything that would be installed afterwards, by id: the plan holds for this state of the host only. */
  readonly versionsAfter: ReadonlyMap<string, string>;
  readonly origins: readonly PublisherOrigin[];
}

/** What a person or a policy agreed to, for the whole graph. */
export interface GraphConsent {
  /** Permissions granted, by plugin. */
  readonly grants: Readonly<Record<string, readonly Permission[]>>;
  /** Keys to pin for publishers that are new here. */
  readonly trustKeys: readonly string[];
  /** Plugins whose findings were read and accepted. */
  readonly confirmedScans: readonly string[];
  /** Plugins that may go back to a lower version. Default none. */
  readonly downgrades?: readonly string[];
}
