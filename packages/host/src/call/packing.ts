import { needsOwnProcess, permissionOf } from "@berth/spec";
import type { Manifest, Permission, SecurityLevel } from "@berth/spec";

/** With whom a plugin shares a sandbox host. */
export interface Packing {
  /** Plugins with equal keys may share. */
  readonly packKey: string;
  /** Whether any other plugin may be in its process. */
  readonly isShared: boolean;
}

/** What a manifest asks for that must not be held in a shared process. Nothing else it ever holds is. */
export function ownProcessPermissions({ permissions }: Manifest): Permission[] {
  return permissions.map(permissionOf).filter(needsOwnProcess);
}

/**
 * Minimal: everybody with everybody. Standard: plugins of one publisher. Strict and isolated: nobody. At every
 * level a plugin is alone that holds, or may come to hold in the middle of a call, what must not be shared:
 * whoever takes a process over holds the rights of all plugins in it.
 */
export function packingOf(pluginId: string, level: SecurityLevel, mustBeAlone: boolean): Packing {
  if (mustBeAlone || level === "strict" || level === "isolated")
    return { packKey: `alone/${pluginId}`, isShared: false };
  const [publisher = ""] = pluginId.split(".");
  return { packKey: level === "minimal" ? "everybody" : `publisher/${publisher}`, isShared: true };
}
