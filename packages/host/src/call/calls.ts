import { isCodedError, quote } from "@berth/base";
import type { Progress } from "@berth/sandbox";
import type { ActionDeclaration, DataLabel, Manifest, Permission } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";
import type { WireValue } from "@berth/wire";

import type { CallOrigin, EffectKey } from "../broker/service.ts";
import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Journal } from "../journal.ts";
import { HeardLabel } from "../labels/heard-label.ts";
import type { SchemaFault } from "../schema/compile.ts";
import type { SchemaThread } from "../schema/node-schema-thread.ts";
import type { ValueCheck } from "../schema/value-check.ts";
import type { Alerts } from "../statistics/alerts.ts";
import type { Statistics } from "../statistics/statistics.ts";
import { refuseLarge, valueInvalid } from "./call-faults.ts";
import type { CompartmentCall, Compartments } from "./compartments.ts";
import type { InstalledPlugin } from "./installed-plugin.ts";
import type { KeyedCalls } from "./keyed-calls.ts";
import { StreamedItems } from "./streamed-items.ts";

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
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Left out: the embedding program called. */
  readonly origin?: CallOrigin | undefined;
  /** Calls with equal keys are one call for a day. */
  readonly idempotencyKey?: string | undefined;
  /** Of the input. */
  readonly label?: DataLabel | undefined;
  /** Hears of the label of reports, items, and the answer or error, before any of them is given. */
  readonly onLabel?: ((label: DataLabel) => void) | undefined;
}

/** What of a run is noted, and heard by whoever called. */
type Hears = Pick<CompartmentCall, "onUsage" | "onRetry" | "onProgress"> & { readonly heard: HeardLabel };

const NO_KEY = "Leave the idempotency key out.";
const HOLDS_BYTES: SchemaFault = { path: "", message: "holds bytes, which JSON text cannot carry" };

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
    return this.#journalled(pluginId, action, scope, async (plugin, { effect }, hears) => {
      const value = encodeValue(input);
      refuseLarge("input", value);
      const checked = this.#faultOf(plugin, action, "input", input, value);
      const fault = checked instanceof Promise ? await checked : checked;
      if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
      const run = async (effectKey?: EffectKey): Promise<unknown> => {
        const wanted = { action, input: value, ...scope, effectKey, ...hears };
        const answer = await this.#parts.compartments.run(plugin, wanted);
        refuseLarge("output", answer);
        const output = decodeValue(answer);
        const compared = this.#faultOf(plugin, action, "output", output, answer);
        const broken = compared instanceof Promise ? await compared : compared;
        if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
        return output;
      };
      if (key === undefined || effect === "pure") return run();
      const wanted = { pluginId, partition, action, key, input: value, callerRights, signal, heard: hears.heard };
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
    const { schemas, compartments, keyedCalls } = this.#parts;
    const { idempotencyKey: key, partition, callerRights, signal } = scope;
    return this.#journalled(pluginId, action, scope, async (plugin, { input, output, effect }, hears) => {
      const isKept = key !== undefined && effect !== "pure";
      const value: WireValue = { json, bytes: [] };
      // What is remembered is read in this thread, and has the bounds of `call`.
      if (isKept) refuseLarge("input", value, NO_KEY);
      const fault = await schemas.check(input, json);
      if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
      const run = async (effectKey?: EffectKey): Promise<WireValue> => {
        const answer = await compartments.run(plugin, { action, input: value, ...scope, effectKey, ...hears });
        if (isKept) refuseLarge("output", answer, NO_KEY);
        const broken = answer.bytes.length > 0 ? HOLDS_BYTES : await schemas.check(output, answer.json);
        if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
        return answer;
      };
      if (!isKept) return (await run()).json;
      const wanted = { pluginId, partition, action, key, input: value, callerRights, signal, heard: hears.heard };
      const kept = await keyedCalls.run({ ...wanted, isIdempotent: effect === "idempotent" }, async (effectKey) =>
        decodeValue(await run(effectKey)),
      );
      // `call` may have been the first with the key, and its answer may hold bytes.
      const answer = encodeValue(kept);
      if (answer.bytes.length > 0) throw valueInvalid("output", plugin, action, HOLDS_BYTES);
      return answer.json;
    });
  }

  /** See `Host.stream`. */
  stream(pluginId: string, action: string, input: unknown, scope: CallScope): StreamedItems {
    let run: { readonly plugin: InstalledPlugin; readonly heard: HeardLabel } | undefined;
    const streamed: StreamedItems = new StreamedItems({
      run: (items, left) =>
        this.#journalled(
          pluginId,
          action,
          scope,
          async (plugin, _, hears) => {
            run = { plugin, heard: hears.heard };
            if (scope.idempotencyKey !== undefined)
              throw new HostError(
                "BROKER_REQUEST_INVALID",
                `${pluginId} ${action} streams: its items are given once and not kept, so a key cannot give them again`,
              );
            const value = encodeValue(input);
            refuseLarge("input", value);
            const fault = await this.#faultOf(plugin, action, "input", input, value);
            if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
            const signal = scope.signal === undefined ? left : AbortSignal.any([scope.signal, left]);
            try {
              await this.#parts.compartments.run(plugin, { action, input: value, ...scope, ...hears, signal, items });
            } catch (error) {
              // Whoever has enough has got what was wanted.
              if (!left.aborted || !isCodedError(error) || error.code !== "SANDBOX_CANCELLED") throw error;
            }
            await streamed.verify();
          },
          true,
        ),
      read: (item) => {
        const { plugin, heard } = run as NonNullable<typeof run>; // There are no items before it runs.
        heard.tell();
        const output = decodeValue(item);
        const broken = this.#faultOf(plugin, action, "output", output, item);
        const fitting = (fault: SchemaFault | undefined): unknown => {
          if (fault !== undefined) throw valueInvalid("output", plugin, action, fault);
          return output;
        };
        return broken instanceof Promise ? broken.then(fitting) : fitting(broken);
      },
    });
    return streamed;
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
    { origin, onLabel, onProgress }: CallScope,
    run: (plugin: InstalledPlugin, declaration: ActionDeclaration, hears: Hears) => Promise<Answer>,
    isStream = false,
  ): Promise<Answer> {
    const plugin = this.#parts.plugins.get(pluginId).callable();
    const declaration = declarationOf(plugin.manifest, action, isStream);
    const startedAt = performance.now();
    let outcome = "ok";
    let cpuMs = 0;
    let retries = 0;
    const heard = new HeardLabel(onLabel);
    plugin.beginCall();
    this.#underWay += 1;
    try {
      return await run(plugin, declaration, {
        heard,
        onUsage: (usage) => (cpuMs = usage.cpuMs),
        onRetry: () => (retries += 1),
        onProgress: onProgress && afterLabel(heard, onProgress),
      });
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
        statistics.note(pluginId, action, outcome, { durationUs, cpuUs: cpuMs * 1_000, retries });
        alerts.note(pluginId, { calls: 1, failures: outcome === "ok" ? 0 : 1, durationUs });
      }
      if (this.#underWay === 0) this.#onIdle?.();
      heard.tell();
    }
  }
}

/** A report is words of the plugin's: whoever hears it knows by then what they may carry. */
const afterLabel =
  (heard: HeardLabel, onProgress: (progress: Progress) => void) =>
  (progress: Progress): void => {
    heard.tell();
    onProgress(progress);
  };

function declarationOf(manifest: Manifest, action: string, isStream: boolean): ActionDeclaration {
  const { actions } = manifest.contributes;
  const declaration = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (declaration === undefined) {
    throw new HostError(
      "HOST_ACTION_UNKNOWN",
      `${manifest.id} has no action ${quote(action)}; it has ${Object.keys(actions).join(", ") || "none"}`,
    );
  }
  if ((declaration.streams === true) === isStream) return declaration;
  throw new HostError(
    "HOST_STREAM_MISMATCH",
    isStream
      ? `${manifest.id} ${action} answers once, and its items were asked for`
      : `${manifest.id} ${action} streams, and was called for one answer`,
    { hint: isStream ? "Use call." : "Use stream." },
  );
}
