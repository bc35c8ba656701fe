import type { PluginTable } from "./plugin-table.ts";
import type { CompiledRequest } from "./request.ts";
import { contains } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/**
 * The release that the request likes best among the non-empty `allowed`: the locked one, else the one at
 * the preferred end, stable before pre-release unless the policy treats them alike.
 */
export function preferredPlace(table: PluginTable, allowed: VersionSet, request: CompiledRequest): number {
  const locked = request.locked.get(table.name);
  const lockedPlace = locked === undefined ? undefined : table.placeOf(locked);
  if (lockedPlace !== undefined && contains(allowed, lockedPlace)) return lockedPlace;
  const isLowest = request.direction === "lowest";
  const atEnd = isLowest ? (allowed[0] as number) : (allowed.at(-1) as number) - 1;
  if (request.prerelease === "any") return atEnd;
  return (isLowest ? firstStable(table, allowed) : lastStable(table, allowed)) ?? atEnd;
}

function firstStable(table: PluginTable, allowed: VersionSet): number | undefined {
  for (let index = 0; index < allowed.length; index += 2) {
    const end = allowed[index + 1] as number;
    for (let place = allowed[index] as number; place < end; place += 1) if (table.isStable(place)) return place;
  }
  return undefined;
}

function lastStable(table: PluginTable, allowed: VersionSet): number | undefined {
  for (let index = allowed.length - 2; index >= 0; index -= 2) {
    const start = allowed[index] as number;
    for (let place = (allowed[index + 1] as number) - 1; place >= start; place -= 1) {
      if (table.isStable(place)) return place;
    }
  }
  return undefined;
}
