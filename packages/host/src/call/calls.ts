import { isCodedError, quote } from "@berth/base";
import type { CallUsage } from "@berth/sandbox";
import type { ActionDeclaration, DataLabel, Manifest, Permission } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import type { CallOrigin, EffectKey } from "../broker/service.ts";
import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Journal } from "../journal.ts";
import { CallLabel } from "../labels/call-label.ts";
import type { SchemaThread } from "../schema/node-schema-thread.ts";
import type { ValueCheck } from "../schema/value-check.ts";
import type { Alerts } from "../statistics/alerts.ts";
import type { Statistics } from "../statistics/statistics.ts";
import { refuseLarge, valueInvalid } from "./call-faults.ts";
import type { Compartments } from "./compartments.ts";
import type { InstalledPlugin } from "./installed-plugin.ts";
import type { KeyedCalls } from "./keyed-calls.ts";

/** What calls are made with. All of it belongs to the host. */
export interface CallParts {
  readonly plugins: PluginTable;
  readonly compartments: Compartments;
  readonly schemas: SchemaThread;
  readonly values: ValueCheck;
  readonly journal: Journal;
  readonly statistics: Statistics;
  readonly alerts: Alerts;
  readonly keyedCalls: KeyedCalls;
}

/** For whom a call is made, and until when it is wanted. */
export interface CallScope {
  readonly partition: string | undefined;
  readonly callerRights: readonly Permission[] | undefined;
  readonly signal: AbortSignal | undefined;
  /** Left out: the embedding program called. */
  readonly origin?: CallOrigin | undefined;
  /** Calls with equal keys are one call for a day. */
  readonly idempotencyKey?: string | undefined;
  /** Of the input. */
  readonly label?: DataLabel | undefined;
  /** Hears of the label of the answer, or of the error, before either is given. */
  readonly onLabel?: ((label: DataLabel) => void) | undefined;
}

/** Runs actions: schemas on both sides, one line in the journal. */
export class Calls {
  readonly #parts: CallParts;
  #isClosed = false;
  #underWay = 0;
  #onIdle: (() => void) | undefined;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /** See `Host.call`. */
  call(pluginId: string, action: string, input: unknown, scope: CallScope): Promise<unknown> {
    const { idempotencyKey: key, partition, callerRights, signal } = scope;
    return this.#journalled(pluginId, action, scope, async (plugin, { effect }, onUsage, heard) => {
      const value = encodeValue(input);
      refuseLarge("input", value);
      const checked = this.#faultOf(plugin, action, "input", input, value);
      const fault = checked instanceof Promise ? await checked : checked;
      if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
      const run = async (effectKey?: EffectKey): Promise<unknown> => {
        const wanted = { action, input: value, ...scope, effectKey, onUsage, ...hearing(heard) };
        const answer = await this.#parts.compartments.run(plugin, wanted);
        refuseLarge("output", answer);
        const output = decodeValue(answer);
        const compared = this.#faultOf(plugin, action, "output", output, answer);
        const broken = compared instanceof Promise ? await compared : compared;
        if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
        return output;
      };
      if (key === undefined || effect === "pure") return run();
      const wanted = { pluginId, partition, action, key, input: value, callerRights, signal, heard };
      return this.#parts.keyedCalls.run({ ...wanted, isIdempotent: effect === "idempotent" }, run);
    });
  }

  #faultOf(
    plugin: InstalledPlugin,
    action: string,
    side: "input" | "output",
    value: unknown,
    crossing: WireValue,
  ): ReturnType<ValueCheck["faultOf"]> {
    const schema = plugin.manifest.contributes.actions[action]?.[side] ?? false;
    return this.#parts.values.faultOf(schema, value, crossing, () => plugin.validator(action, side));
  }

  /** See `Host.callBytes`. */
  callBytes(pluginId: string, action: string, json: Uint8Array, scope: CallScope): Promise<Uint8Array> {
    const { schemas, compartments } = this.#parts;
    return this.#journalled(pluginId, action, scope, async (plugin, { input, output }, onUsage, heard) => {
      const fault = await schemas.check(input, json);
      if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
      const wanted = { action, input: { json, bytes: [] }, ...scope, onUsage, ...hearing(heard) };
      const answer = await compartments.run(plugin, wanted);
      const broken =
        answer.bytes.length > 0
          ? { path: "", message: "holds bytes, which JSON text cannot carry" }
          : await schemas.check(output, answer.json);
      if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
      return answer.json;
    });
  }

  /** Waits until no call is under way, at most so many milliseconds. */
  async drain(waitMs: number): Promise<void> {
    if (this.#underWay === 0 || waitMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, waitMs);
    this.#onIdle = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** From now on calls that end are not journalled: their store is about to close. */
  close(): void {
    this.#isClosed = true;
  }

  /** Finds the plugin, and records how the call ended. */
  async #journalled<Answer>(
    pluginId: string,
    action: string,
    { origin, onLabel }: CallScope,
    run: (
      plugin: InstalledPlugin,
      declaration: ActionDeclaration,
      onUsage: (usage: CallUsage) => void,
      heard: CallLabel,
    ) => Promise<Answer>,
  ): Promise<Answer> {
    const plugin = this.#parts.plugins.get(pluginId).callable();
    const declaration = declarationOf(plugin.manifest, action);
    const startedAt = performance.now();
    let outcome = "ok";
    let cpuMs = 0;
    const heard = new CallLabel();
    plugin.beginCall();
    this.#underWay += 1;
    try {
      return await run(plugin, declaration, (usage) => (cpuMs = usage.cpuMs), heard);
    } catch (error) {
      outcome = isCodedError(error) ? error.code : "INTERNAL";
      // A call that was on its way when the host closed meets a closed store: the same news in our words.
      if (outcome === "STORE_CLOSED" && this.#isClosed) {
        throw new HostError("HOST_CLOSED", "the host was closed during the call", { cause: error });
      }
      throw error;
    } finally {
      const label = heard.current;
      plugin.endCall();
      this.#underWay -= 1;
      if (!this.#isClosed) {
        const { version } = plugin.manifest;
        const durationUs = (performance.now() - startedAt) * 1_000;
        const { journal, statistics, alerts } = this.#parts;
        const detail = origin?.by;
        journal.note({ kind: "call", pluginId, version, subject: action, outcome, durationUs, detail, label });
        statistics.note(pluginId, action, outcome, { durationUs, cpuUs: cpuMs * 1_000 });
        alerts.note(pluginId, { calls: 1, failures: outcome === "ok" ? 0 : 1, durationUs });
      }
      if (this.#underWay === 0) this.#onIdle?.();
      if (label !== undefined) onLabel?.(label);
    }
  }
}

/** Gathers the labels of all attempts: an answer may tell of what an earlier one had. */
const hearing = (heard: CallLabel): { readonly onLabel: (label: DataLabel) => void } => ({
  onLabel: (label) => heard.add(label),
});

function declarationOf(manifest: Manifest, action: string): ActionDeclaration {
  const { actions } = manifest.contributes;
  const declaration = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (declaration === undefined) {
    throw new HostError(
      "HOST_ACTION_UNKNOWN",
      `${manifest.id} has no action ${quote(action)}; it has ${Object.keys(actions).join(", ") || "none"}`,
    );
  }
  return declaration;
}
