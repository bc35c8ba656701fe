import { isCodedError, quote } from "@berth/base";
import type { SandboxCall } from "@berth/sandbox";
import type { ActionDeclaration, Manifest, Permission } from "@berth/spec";
import { decodeValue, encodeValue } from "@berth/wire";

import type { CallOrigin, EffectKey } from "../broker/service.ts";
import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import type { Journal } from "../journal.ts";
import type { SchemaThread } from "../schema/node-schema-thread.ts";
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
  readonly onProgress?: SandboxCall["onProgress"];
  /** Left out: the embedding program called. */
  readonly origin?: CallOrigin | undefined;
  /** Calls with equal keys are one call for a day. */
  readonly idempotencyKey?: string | undefined;
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
    return this.#journalled(pluginId, action, scope, async (plugin, { effect }, hears) => {
      const fault = plugin.validator(action, "input")(input);
      if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
      const value = encodeValue(input);
      refuseLarge("input", value);
      const run = async (effectKey?: EffectKey): Promise<unknown> => {
        const wanted = { action, input: value, ...scope, effectKey, ...hears };
        const answer = await this.#parts.compartments.run(plugin, wanted);
        refuseLarge("output", answer);
        const output = decodeValue(answer);
        const broken = plugin.validator(action, "output")(output);
        if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
        return output;
      };
      if (key === undefined || effect === "pure") return run();
      const wanted = { pluginId, partition, action, key, input: value, callerRights, signal };
      return this.#parts.keyedCalls.run({ ...wanted, isIdempotent: effect === "idempotent" }, run);
    });
  }

  /** See `Host.callBytes`. */
  callBytes(pluginId: string, action: string, json: Uint8Array, scope: CallScope): Promise<Uint8Array> {
    const { schemas, compartments } = this.#parts;
    return this.#journalled(pluginId, action, scope, async (plugin, { input, output }, hears) => {
      const fault = await schemas.check(input, json);
      if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
      const answer = await compartments.run(plugin, { action, input: { json, bytes: [] }, ...scope, ...hears });
      const broken =
        answer.bytes.length > 0
          ? { path: "", message: "holds bytes, which JSON text cannot carry" }
          : await schemas.check(output, answer.json);
      if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
      return answer.json;
    });
  }

  /** See `Host.stream`. */
  stream(pluginId: string, action: string, input: unknown, scope: CallScope): StreamedItems {
    let ofPlugin: InstalledPlugin | undefined;
    const streamed: StreamedItems = new StreamedItems({
      run: (items, left) =>
        this.#journalled(
          pluginId,
          action,
          scope,
          async (plugin, _, hears) => {
            ofPlugin = plugin;
            const fault = plugin.validator(action, "input")(input);
            if (fault !== undefined) throw valueInvalid("input", plugin, action, fault);
            const value = encodeValue(input);
            refuseLarge("input", value);
            const signal = scope.signal === undefined ? left : AbortSignal.any([scope.signal, left]);
            try {
              await this.#parts.compartments.run(plugin, { action, input: value, ...scope, signal, items, ...hears });
            } catch (error) {
              // Whoever has enough has got what was wanted.
              if (!left.aborted || !isCodedError(error) || error.code !== "SANDBOX_CANCELLED") throw error;
            }
            streamed.verify();
          },
          true,
        ),
      read(item) {
        const output = decodeValue(item);
        const plugin = ofPlugin as InstalledPlugin; // There are no items before it runs.
        const broken = plugin.validator(action, "output")(output);
        if (broken !== undefined) throw valueInvalid("output", plugin, action, broken);
        return output;
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
    { origin }: CallScope,
    run: (
      plugin: InstalledPlugin,
      declaration: ActionDeclaration,
      hears: Pick<CompartmentCall, "onUsage" | "onRetry">,
    ) => Promise<Answer>,
    isStream = false,
  ): Promise<Answer> {
    const plugin = this.#parts.plugins.get(pluginId).callable();
    const declaration = declarationOf(plugin.manifest, action, isStream);
    const startedAt = performance.now();
    let outcome = "ok";
    let cpuMs = 0;
    let retries = 0;
    plugin.beginCall();
    this.#underWay += 1;
    try {
      return await run(plugin, declaration, {
        onUsage: (usage) => (cpuMs = usage.cpuMs),
        onRetry: () => (retries += 1),
      });
    } catch (error) {
      outcome = isCodedError(error) ? error.code : "INTERNAL";
      // A call that was on its way when the host closed meets a closed store: the same news in our words.
      if (outcome === "STORE_CLOSED" && this.#isClosed) {
        throw new HostError("HOST_CLOSED", "the host was closed during the call", { cause: error });
      }
      throw error;
    } finally {
      plugin.endCall();
      this.#underWay -= 1;
      if (!this.#isClosed) {
        const { version } = plugin.manifest;
        const durationUs = (performance.now() - startedAt) * 1_000;
        const { journal, statistics, alerts } = this.#parts;
        journal.note({ kind: "call", pluginId, version, subject: action, outcome, durationUs, detail: origin?.by });
        statistics.note(pluginId, action, outcome, { durationUs, cpuUs: cpuMs * 1_000, retries });
        alerts.note(pluginId, { calls: 1, failures: outcome === "ok" ? 0 : 1, durationUs });
      }
      if (this.#underWay === 0) this.#onIdle?.();
    }
  }
}

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
