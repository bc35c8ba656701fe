import { needsOwnProcess, permissionOf } from "@berth/spec";
import type { Manifest, Permission, SecurityLevel } from "@berth/spec";

/** What a manifest asks for that must not be held in a shared process. Nothing else it ever holds is. */
export function ownProcessPermissions({ permissions }: Manifest): Permission[] {
  return permissions.map(permissionOf).filter(needsOwnProcess);
}

/**
 * Minimal: everybody with everybody. Standard: plugins of one publisher. Strict and isolated: nobody. At every
 * level a plugin is alone that holds, or may come to hold in the middle of a call, what must not be shared:
 * whoever takes a process over holds the rights of all plugins in it. `undefined` stands for alone.
 */
export function packKeyOf(pluginId: string, level: SecurityLevel, mustBeAlone: boolean): string | undefined {
  if (mustBeAlone || level === "strict" || level === "isolated") return undefined;
  const [publisher = ""] = pluginId.split(".");
  return level === "minimal" ? "everybody" : `publisher/${publisher}`;
}
