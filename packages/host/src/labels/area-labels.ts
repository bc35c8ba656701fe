import { formatDataLabel, readDataLabel } from "@berth/spec";
import type { DataLabel } from "@berth/spec";
import type { Row, Statement, Store } from "@berth/store";

import type { StorageArea } from "../broker/storage-rows.ts";
import { joined } from "./instance-label.ts";

/** Areas whose labels are held in memory; beyond them those are forgotten that nobody writes to. */
const MAX_AREAS = 10_000;

interface Known {
  label: DataLabel | undefined;
  /** Writes that carry the label and are not on disk yet. */
  writes: number;
}

/** A write that carries a label, under way. */
export interface LabelledWrite {
  /** To be made when the transaction is sent, so that of two writes the later one writes the narrower label. */
  statement(): Statement;
  end(): void;
}

/**
 * Labels of storage areas. The label is the area's, not the key's: if only keys that were written under a label had
 * it, a compartment that finds nothing under a key would stay without, and could tell outside what it found.
 */
export class AreaLabels {
  readonly #store: Store;
  /** By plugin, by partition. */
  readonly #known = new Map<string, Map<string, Known>>();
  #areas = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** The label of an area; asked for after its content was read, it is never older than that content. */
  async of(area: StorageArea): Promise<DataLabel | undefined> {
    return (this.#find(area) ?? (await this.#load(area))).label;
  }

  /** Puts a label on an area, before anything that carries it is written there. */
  async mark(area: StorageArea, label: DataLabel): Promise<LabelledWrite> {
    let known = this.#find(area);
    // What was loaded may have been forgotten again before we go on.
    while (known === undefined) {
      await this.#load(area);
      known = this.#find(area);
    }
    const marked = known;
    marked.label = joined(marked.label, label);
    marked.writes += 1;
    const { pluginId, partition } = area;
    return {
      statement: () => ({
        // Nothing is kept for a plugin that was erased meanwhile.
        sql: `INSERT INTO storage_labels SELECT ?1, ?2, ?3 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
              ON CONFLICT DO UPDATE SET label = ?3`,
        params: [pluginId, partition, formatDataLabel(marked.label ?? label)],
      }),
      end: () => {
        marked.writes -= 1;
      },
    };
  }

  /** What is on disk stays; labels of writes under way are not forgotten, since nobody finds them there yet. */
  forget(pluginId: string): void {
    const areas = this.#known.get(pluginId);
    if (areas !== undefined) this.#forgetIdle(pluginId, areas);
  }

  #find({ pluginId, partition }: StorageArea): Known | undefined {
    return this.#known.get(pluginId)?.get(partition);
  }

  async #load(area: StorageArea): Promise<Known> {
    const [row] = await this.#store.all("SELECT label FROM storage_labels WHERE plugin_id = ? AND partition = ?", [
      area.pluginId,
      area.partition,
    ]);
    // Somebody else may have loaded it meanwhile, and put a label on it.
    const before = this.#find(area);
    if (before !== undefined) return before;
    if (this.#areas >= MAX_AREAS) this.#makeRoom();
    const known: Known = { label: storedLabelOf(row), writes: 0 };
    let areas = this.#known.get(area.pluginId);
    if (areas === undefined) this.#known.set(area.pluginId, (areas = new Map()));
    areas.set(area.partition, known);
    this.#areas += 1;
    return known;
  }

  #makeRoom(): void {
    for (const [pluginId, areas] of this.#known) this.#forgetIdle(pluginId, areas);
  }

  #forgetIdle(pluginId: string, areas: Map<string, Known>): void {
    for (const [partition, { writes }] of areas) {
      if (writes > 0) continue;
      areas.delete(partition);
      this.#areas -= 1;
    }
    if (areas.size === 0) this.#known.delete(pluginId);
  }
}

/** The label in a row's column `label`. */
export function storedLabelOf(row: Row | undefined): DataLabel | undefined {
  const text = row?.["label"];
  return text === undefined || text === null ? undefined : readDataLabel(String(text));
}

/** A label for a column that may be null. */
export const formatStoredLabel = (label: DataLabel | undefined): string | null =>
  label === undefined ? null : formatDataLabel(label);
