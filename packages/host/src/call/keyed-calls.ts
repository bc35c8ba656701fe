import { createHash, randomUUID } from "node:crypto";

import { isCodedError, quote } from "@berth/base";
import { SandboxError } from "@berth/sandbox";
import type { Permission } from "@berth/spec";
import type { Row, Store } from "@berth/store";
import { decodeText } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import { mintEffectKey } from "../broker/keyed-effects.ts";
import type { EffectKey } from "../broker/service.ts";
import { formatStored, storedValueOf } from "../broker/storage-rows.ts";
import { HostError } from "../errors.ts";
import { formatStoredLabel, storedLabelOf } from "../labels/area-labels.ts";
import type { HeardLabel } from "../labels/heard-label.ts";

/** A call that was given a key. */
export interface KeyedCall {
  readonly pluginId: string;
  readonly partition: string | undefined;
  readonly action: string;
  readonly key: string;
  readonly input: WireValue;
  readonly callerRights: readonly Permission[] | undefined;
  readonly signal: AbortSignal | undefined;
  /** Whether the action promises that it may be repeated. */
  readonly isIdempotent: boolean;
  /** Gets the label of the answer, wherever that comes from. */
  readonly heard: HeardLabel;
}

/** Calls that are remembered of one plugin, and their answers' bytes in all. */
const MAX_CALLS = 10_000;
const MAX_BYTES = 16_777_216;
const MAX_KEY_LENGTH = 200;
const DAY_MS = 86_400_000;
/** Failures of calls whose code never ran: their keys are free again. */
const NEVER_RAN: ReadonlySet<string> = new Set([
  "HOST_DEPENDENCY_UNMET",
  "HOST_PACKAGE_DAMAGED",
  "HOST_PLUGIN_NOT_ENABLED",
  "SANDBOX_BUSY",
  "SANDBOX_LOAD_FAILED",
  "SANDBOX_START_FAILED",
  "SANDBOX_WALL_MISSING",
]);

interface UnderWay {
  readonly digest: string;
  readonly answer: Promise<unknown>;
  readonly heard: HeardLabel;
}

/** Makes calls with equal keys one call, for a day: others wait for it, or get its answer. */
export class KeyedCalls {
  readonly #store: Store;
  readonly #now: () => Date;
  readonly #underWay = new Map<string, UnderWay>();

  constructor(store: Store, now: () => Date) {
    this.#store = store;
    this.#now = now;
  }

  /**
   * Runs a call, unless its key was used.
   *
   * @throws HostError BROKER_REQUEST_INVALID, BROKER_KEY_REUSED, BROKER_KEY_UNCERTAIN, BROKER_QUOTA_EXCEEDED; what
   *   `run` throws
   */
  async run(call: KeyedCall, run: (effectKey: EffectKey | undefined) => Promise<unknown>): Promise<unknown> {
    const { pluginId, partition, action, key, signal } = call;
    const isKey =
      typeof key === "string" &&
      key !== "" &&
      key.length <= MAX_KEY_LENGTH &&
      key.isWellFormed() &&
      !key.includes("\0");
    if (!isKey)
      throw new HostError(
        "BROKER_REQUEST_INVALID",
        `expected a key of 1 to ${MAX_KEY_LENGTH} characters, found ${quote(key)}`,
      );
    const id = JSON.stringify([pluginId, partition ?? null, action, key]);
    const digest = digestOf(call);
    const before = this.#underWay.get(id);
    if (before !== undefined) {
      if (before.digest !== digest) throw reused(call);
      // A value of its own for each: what one caller does to it must not reach another.
      try {
        return structuredClone(await unlessAborted(before.answer, action, signal));
      } finally {
        call.heard.add(before.heard.current);
      }
    }
    const answer = this.#runFirst(call, digest, run);
    this.#underWay.set(id, { digest, answer, heard: call.heard });
    try {
      return await answer;
    } finally {
      this.#underWay.delete(id);
    }
  }

  async #runFirst(
    call: KeyedCall,
    digest: string,
    run: (effectKey: EffectKey | undefined) => Promise<unknown>,
  ): Promise<unknown> {
    const { pluginId, action, key, isIdempotent } = call;
    const own = randomUUID();
    const row = await this.#begin(call, digest, own);
    if (row["digest"] !== digest) throw reused(call);
    if (row["json"] !== null) {
      const { text, bytes } = storedValueOf(row);
      call.heard.add(storedLabelOf(row));
      return decodeText(text, bytes);
    }
    const effectKey = String(row["effect_key"]);
    if (effectKey !== own && !isIdempotent)
      throw new HostError(
        "BROKER_KEY_UNCERTAIN",
        `${pluginId} ${action} was called with the key ${quote(key)} before, and how that ended is not known`,
      );
    let output: unknown;
    try {
      output = await run(isIdempotent ? mintEffectKey(effectKey) : undefined);
    } catch (error) {
      if (effectKey === own && isCodedError(error) && NEVER_RAN.has(error.code)) await this.#forget(call);
      throw error;
    }
    const { stored, sections, size } = formatStored("", output);
    await this.#store.transaction([
      {
        sql: `UPDATE keyed_calls SET json = ?, bytes = ?, size = ?, label = ? WHERE ${WHERE_KEY}`,
        params: [
          stored.text,
          sections.length === 0 ? null : sections,
          size,
          formatStoredLabel(call.heard.current),
          ...paramsOf(call),
        ],
      },
    ]);
    return output;
  }

  /** What stands under the key: a new row with our own effect key, or the one of an earlier call. */
  async #begin(call: KeyedCall, digest: string, own: string): Promise<Row> {
    const at = this.#now();
    const results = await this.#store.transaction([
      { sql: "DELETE FROM keyed_calls WHERE at < ?", params: [new Date(at.getTime() - DAY_MS).toISOString()] },
      {
        sql: `INSERT INTO keyed_calls (plugin_id, area, action, key, digest, effect_key, size, at)
              SELECT ?1, ?2, ?3, ?4, ?5, ?6, 0, ?7
              WHERE (SELECT count(*) < ?8 AND coalesce(sum(size), 0) < ?9 FROM keyed_calls WHERE plugin_id = ?1 AND area = ?2)
                AND EXISTS (SELECT 1 FROM plugins WHERE id = ?1)
              ON CONFLICT DO NOTHING`,
        params: [...paramsOf(call), digest, own, at.toISOString(), MAX_CALLS, MAX_BYTES],
      },
      { sql: `SELECT * FROM keyed_calls WHERE ${WHERE_KEY}`, params: paramsOf(call) },
    ]);
    const row = results.at(-1)?.rows[0];
    if (row !== undefined) return row;
    throw new HostError(
      "BROKER_QUOTA_EXCEEDED",
      `${call.pluginId} was called with ${MAX_CALLS} keys today, or their answers fill ${MAX_BYTES} bytes`,
    );
  }

  async #forget(call: KeyedCall): Promise<void> {
    await this.#store.transaction([{ sql: `DELETE FROM keyed_calls WHERE ${WHERE_KEY}`, params: paramsOf(call) }]);
  }
}

const WHERE_KEY = "plugin_id = ? AND area = ? AND action = ? AND key = ?";

const paramsOf = ({ pluginId, partition, action, key }: KeyedCall): [string, string, string, string] => [
  pluginId,
  partition === undefined ? "" : `user:${partition}`,
  action,
  key,
];

/** The input, and what the caller may do: who may do less must not get the answer of who may do more. */
function digestOf({ input, callerRights }: KeyedCall): string {
  const hash = createHash("sha256").update(JSON.stringify(callerRights ?? null));
  for (const part of [input.json, ...input.bytes]) hash.update(`\n${part.length}\n`).update(part);
  return hash.digest("hex");
}

const reused = ({ pluginId, action, key }: KeyedCall): HostError =>
  new HostError("BROKER_KEY_REUSED", `${pluginId} ${action} was called with the key ${quote(key)} and another input`);

async function unlessAborted(
  answer: Promise<unknown>,
  action: string,
  signal: AbortSignal | undefined,
): Promise<unknown> {
  if (signal === undefined) return answer;
  const left = Promise.withResolvers<never>();
  const leave = (): void =>
    left.reject(new SandboxError("SANDBOX_CANCELLED", `the caller of ${action} stopped waiting`));
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([answer, left.promise]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
