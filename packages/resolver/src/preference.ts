import type { PluginTable } from "./plugin-table.ts";
import type { CompiledRequest } from "./request.ts";
import { contains } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/** Which releases a request likes best, for one search. */
export class Preference {
  readonly #request: CompiledRequest;
  /** Only of plugins whose locked version exists. */
  readonly #lockedPlaces = new Map<PluginTable, number>();

  constructor(request: CompiledRequest) {
    this.#request = request;
  }

  /** Makes the lock known for a plugin that has come up. */
  meet(table: PluginTable): void {
    const version = this.#request.locked.get(table.name);
    const place = version === undefined ? undefined : table.placeOf(version);
    if (place !== undefined) this.#lockedPlaces.set(table, place);
  }

  /** Whether the plugin could stay as it is locked. */
  canStay(table: PluginTable, allowed: VersionSet): boolean {
    const place = this.#lockedPlaces.size === 0 ? undefined : this.#lockedPlaces.get(table);
    return place !== undefined && contains(allowed, place);
  }

  /**
   * The best place among the non-empty `allowed`: the locked one, else the one at the preferred end, stable
   * before pre-release unless the policy treats them alike.
   */
  placeOf(table: PluginTable, allowed: VersionSet): number {
    if (this.canStay(table, allowed)) return this.#lockedPlaces.get(table) as number;
    const isLowest = this.#request.direction === "lowest";
    const atEnd = isLowest ? (allowed[0] as number) : (allowed.at(-1) as number) - 1;
    if (this.#request.prerelease === "any") return atEnd;
    return (isLowest ? firstStable(table, allowed) : lastStable(table, allowed)) ?? atEnd;
  }
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
