import type { PermissionName, SecurityLevel } from "@berth/spec";

/** What the operator decides for every plugin of a host. Data, so that it can be reviewed and shared. */
export interface Policy {
  /** The lowest security level at which plugins run. Default `standard`. */
  readonly level: SecurityLevel;
  /** Permissions that no plugin gets, whoever consents. Default none. */
  readonly deny: readonly PermissionName[];
  /** Whether an unknown publisher's key may be pinned when a person confirms it. Default true. */
  readonly trustOnFirstUse: boolean;
  /** Storage of one plugin in one partition, bytes. Default 10 MiB. */
  readonly storageBytes: number;
}

export const DEFAULT_POLICY: Policy = {
  level: "standard",
  deny: [],
  trustOnFirstUse: true,
  storageBytes: 10 * 1_048_576,
};
