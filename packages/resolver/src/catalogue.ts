import { quote } from "@berth/base";
import { compileList, emptyList } from "./compile-list.ts";
import { ResolveError } from "./errors.ts";
import { PluginTable } from "./plugin-table.ts";
import type { CompiledList } from "./plugin-table.ts";
import type { ReleaseAnswer } from "./release-source.ts";
import { Vocabulary } from "./vocabulary.ts";

/**
 * The release lists read so far, compiled. One catalogue may serve many resolutions over the same state of
 * the source (several root sets, the trials of a fix); it grows and never changes what it holds.
 */
export class Catalogue {
  readonly vocabulary: Vocabulary;
  readonly #ids = new Map<string, number>();
  readonly #names: string[] = [];
  readonly #tables: (PluginTable | undefined)[] = [];
  #revision: string | undefined;
  #hasAnswer = false;

  constructor(vocabulary = new Vocabulary()) {
    this.vocabulary = vocabulary;
  }

  readonly idOf = (name: string): number => {
    let id = this.#ids.get(name);
    if (id === undefined) {
      id = this.#names.length;
      this.#ids.set(name, id);
      this.#names.push(name);
    }
    return id;
  };

  /** How many plugins have an id. */
  get size(): number {
    return this.#names.length;
  }

  tryTable(id: number): PluginTable | undefined {
    return this.#tables[id];
  }

  /** The table of a plugin that has been absorbed; anything else is a mistake of the caller. */
  table(id: number): PluginTable {
    const table = this.#tables[id];
    if (table === undefined) throw new Error(`The release list of ${quote(this.#names[id])} was never loaded`);
    return table;
  }

  /** Names of all listed plugins that have been read, for near misses. */
  *listedNames(): Generator<string> {
    for (const table of this.#tables) if (table?.isListed === true) yield table.name;
  }

  /**
   * Takes in the answer to a question for `asked`. Plugins without a list are recorded as unknown to the source.
   *
   * @throws ResolveError RESOLVE_LIST_INVALID for a list that is malformed, doubled or was not asked for;
   *   RESOLVE_SOURCE_CHANGED when the answer's revision differs from that of an earlier answer.
   */
  absorb(asked: readonly string[], answer: ReleaseAnswer): void {
    if (this.#hasAnswer && answer.revision !== this.#revision) {
      throw new ResolveError(
        "RESOLVE_SOURCE_CHANGED",
        `The source answered from revision ${quote(this.#revision)} before and from ${quote(answer.revision)} now`,
        { hint: "Resolve again." },
      );
    }
    this.#hasAnswer = true;
    this.#revision = answer.revision;
    const open = new Set(asked);
    for (const list of answer.lists) {
      if (!open.delete(list.plugin)) {
        throw new ResolveError(
          "RESOLVE_LIST_INVALID",
          `The source gave a list for ${quote(list.plugin)} that was not asked for, or gave it twice`,
        );
      }
      this.#enter(list.plugin, compileList(list, this), true);
    }
    for (const missing of open) this.#enter(missing, emptyList, false);
  }

  #enter(name: string, list: CompiledList, isListed: boolean): void {
    const id = this.idOf(name);
    if (this.#tables[id] !== undefined) {
      throw new ResolveError("RESOLVE_SOURCE_CHANGED", `The source answered twice for ${quote(name)}`);
    }
    this.#tables[id] = new PluginTable(id, name, list, isListed);
  }
}
