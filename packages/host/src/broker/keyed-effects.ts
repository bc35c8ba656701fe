import { createHash, createHmac, randomUUID } from "node:crypto";

import type { Row, Store } from "@berth/store";
import { decodeText } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import { areaOf } from "../schedules/schedule-rows.ts";
import { formatStoredLabel, storedLabelOf } from "../labels/area-labels.ts";
import type { EffectKey, ServiceCall } from "./service.ts";
import { RememberedEffects } from "./remembered-effects.ts";
import { formatStored, storedValueOf } from "./storage-rows.ts";

/** Effects that are remembered of one plugin in one partition, and their answers' bytes in all. */
const MAX_EFFECTS = 10_000;
const MAX_BYTES = 16_777_216;
/** Answers that are larger are asked for again: the other end may know the key. */
const MAX_ANSWER_BYTES = 1_048_576;
const DAY_MS = 86_400_000;
/** What another plugin did is not known by this key, unless the call was given one. */
const CALLS_A_PLUGIN = "plugins.call";

/** The key of one call; `key` when the call repeats another one, or may be repeated. */
export function mintEffectKey(key?: string): EffectKey {
  const remembered = new RememberedEffects();
  return { key: key ?? randomUUID(), isRepeatable: key !== undefined, seen: new Map(), remembered };
}

/** The key of a second attempt at a call: equal requests are counted anew. */
export const repeatedKey = (key: EffectKey): EffectKey => ({ ...key, seen: new Map() });

/**
 * Gives each effect of an `idempotent` action a key, and sees to it that an effect of a repeated call does not happen
 * again: its answer was kept.
 */
export class KeyedEffects {
  readonly #store: Store;
  readonly #now: () => Date;

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /** @throws HostError BROKER_QUOTA_EXCEEDED; what `run` throws */
  async once(
    call: ServiceCall,
    effectKey: EffectKey,
    method: string,
    value: WireValue,
    run: (key: string) => Promise<unknown>,
  ): Promise<unknown> {
    const key = keyOf(effectKey, method, value);
    const { isRepeatable, remembered } = effectKey;
    return remembered.once(key, isRepeatable || method !== CALLS_A_PLUGIN, call.label, () =>
      isRepeatable ? this.#onceADay(call, key, run) : run(key),
    );
  }

  async #onceADay(
    { pluginId, partition, label }: ServiceCall,
    key: string,
    run: (key: string) => Promise<unknown>,
  ): Promise<unknown> {
    const area = areaOf(partition);
    const known = await this.#find(pluginId, area, key);
    if (known !== undefined) {
      label.add(storedLabelOf(known));
      return valueOf(known);
    }
    const answer = (await run(key)) ?? null;
    const { stored, sections, size } = formatStored("", answer);
    if (size > MAX_ANSWER_BYTES) return answer;
    await this.#store.transaction([
      {
        // Nothing is kept for a plugin that was erased meanwhile.
        sql: `INSERT INTO keyed_effects (plugin_id, key, json, bytes, size, at, area, label)
              SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8 WHERE EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
              ON CONFLICT DO NOTHING`,
        params: [
          pluginId,
          key,
          stored.text,
          sections.length === 0 ? null : sections,
          size,
          this.#now().toISOString(),
          area,
          formatStoredLabel(label.ofAnswers),
        ],
      },
    ]);
    return answer;
  }

  async #find(pluginId: string, area: string, key: string): Promise<Row | undefined> {
    const dayBefore = new Date(this.#now().getTime() - DAY_MS).toISOString();
    const [, found, use] = await this.#store.transaction([
      { sql: "DELETE FROM keyed_effects WHERE at < ?", params: [dayBefore] },
      { sql: "SELECT json, bytes, label FROM keyed_effects WHERE plugin_id = ? AND key = ?", params: [pluginId, key] },
      {
        sql: "SELECT count(*) AS count, sum(size) AS bytes FROM keyed_effects WHERE plugin_id = ? AND area = ?",
        params: [pluginId, area],
      },
    ]);
    const [row] = found?.rows ?? [];
    const [sums] = use?.rows ?? [];
    // Refused before it happens: an effect that cannot be remembered could happen twice.
    if (row === undefined && (Number(sums?.["count"]) >= MAX_EFFECTS || Number(sums?.["bytes"]) >= MAX_BYTES))
      throw new HostError(
        "BROKER_QUOTA_EXCEEDED",
        `${pluginId} had ${MAX_EFFECTS} effects, or their bytes, remembered today`,
      );
    return row;
  }
}

function valueOf(row: Row): unknown {
  const { text, bytes } = storedValueOf(row);
  return decodeText(text, bytes);
}

/** The same for the n-th of equal requests, in whatever order different ones come. */
function keyOf({ key, seen }: EffectKey, method: string, { json, bytes }: WireValue): string {
  const hash = createHash("sha256").update(method);
  for (const part of [json, ...bytes]) hash.update(`\n${part.length}\n`).update(part);
  const digest = hash.digest("hex");
  const count = seen.get(digest) ?? 0;
  seen.set(digest, count + 1);
  return createHmac("sha256", key).update(`${digest}\n${count}`).digest("hex").slice(0, 32);
}
