import type { Incompatibility } from "./incompatibility.ts";
import type { PluginTable } from "./plugin-table.ts";
import { isSubset } from "./version-set.ts";
import type { VersionSet } from "./version-set.ts";

/** One step of the partial solution: from here on, `plugin` is in `set`. */
export interface Assignment {
  readonly plugin: PluginTable;
  /** Everything known about the plugin after this step: the intersection of all steps so far. */
  readonly set: VersionSet;
  readonly decisionLevel: number;
  /** Place in the order of all assignments. */
  readonly index: number;
  /** The incompatibility that forced it; `undefined` for a decision. */
  readonly cause: Incompatibility | undefined;
  /** The step before it about the same plugin. */
  readonly previous: Assignment | undefined;
  readonly isDecision: boolean;
  /** False once it was undone. */
  isStanding: boolean;
}

/**
 * What the solver has decided and derived so far, in order, with undo. Each plugin's own steps form a
 * chain, so that the earliest step that satisfies a term is found without a search through all of them.
 */
export class PartialSolution {
  readonly #trail: Assignment[] = [];
  /** By plugin id. */
  readonly #last: (Assignment | undefined)[];
  /** Plugins that must be installed, in the order in which that became known. */
  readonly #required: PluginTable[] = [];
  /** Those of them without a decision, in the same order. */
  #undecided: PluginTable[] = [];
  #decisionLevel = 0;

  /** @param size how many plugin ids there are by now */
  constructor(size: number) {
    this.#last = new Array<Assignment | undefined>(size);
  }

  get decisionLevel(): number {
    return this.#decisionLevel;
  }

  get required(): readonly PluginTable[] {
    return this.#required;
  }

  /** What is known of a plugin, or `undefined` when nothing is. */
  setOf(plugin: PluginTable): VersionSet | undefined {
    return this.#last[plugin.id]?.set;
  }

  lastOf(plugin: PluginTable): Assignment | undefined {
    return this.#last[plugin.id];
  }

  get undecided(): readonly PluginTable[] {
    return this.#undecided;
  }

  decide(plugin: PluginTable, place: number): void {
    this.#decisionLevel += 1;
    this.#undecided.splice(this.#undecided.indexOf(plugin), 1);
    this.#assign(plugin, [place, place + 1], undefined);
  }

  derive(plugin: PluginTable, set: VersionSet, cause: Incompatibility): void {
    this.#assign(plugin, set, cause);
  }

  #assign(plugin: PluginTable, set: VersionSet, cause: Incompatibility | undefined): void {
    const previous = this.#last[plugin.id];
    const assignment: Assignment = {
      plugin,
      set,
      decisionLevel: this.#decisionLevel,
      index: this.#trail.length,
      cause,
      previous,
      isDecision: cause === undefined,
      isStanding: true,
    };
    this.#trail.push(assignment);
    putAt(this.#last, plugin.id, assignment);
    if (isRequired(plugin, set) && !(previous !== undefined && isRequired(plugin, previous.set))) {
      this.#required.push(plugin);
      this.#undecided.push(plugin);
    }
  }

  /** Undoes every assignment above `level`. */
  backtrack(level: number): void {
    for (let last = this.#trail.at(-1); last !== undefined && last.decisionLevel > level; last = this.#trail.at(-1)) {
      this.#trail.pop();
      last.isStanding = false;
      const { plugin, previous, set } = last;
      this.#last[plugin.id] = previous;
      const wasRequired = previous !== undefined && isRequired(plugin, previous.set);
      if (isRequired(plugin, set) && !wasRequired) this.#required.pop();
    }
    this.#decisionLevel = level;
    this.#undecided = this.#required.filter((plugin) => this.#last[plugin.id]?.isDecision !== true);
  }

  /** The earliest assignment after which `plugin` is known to be in `set`. It must be known by now. */
  satisfier(plugin: PluginTable, set: VersionSet): Assignment {
    let found = this.#last[plugin.id] as Assignment;
    while (found.previous !== undefined && isSubset(found.previous.set, set)) found = found.previous;
    return found;
  }
}

function isRequired(plugin: PluginTable, set: VersionSet): boolean {
  return (set.at(-1) as number) <= plugin.absent;
}

/** Sets an item of a list that is indexed by plugin id, and keeps the list dense: a sparse one is far slower. */
export function putAt<Item>(items: (Item | undefined)[], id: number, item: Item): void {
  while (items.length <= id) items.push(undefined);
  items[id] = item;
}
