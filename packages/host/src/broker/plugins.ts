import { isCodedError, quote } from "@berth/base";
import type { PluginFailure } from "@berth/sandbox";
import { covers, permissionOf, tryParsePluginId } from "@berth/spec";
import type { Permission } from "@berth/spec";

import type { CallScope } from "../call/calls.ts";
import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { serviceAmountOf } from "../rights/decide-right.ts";
import type { Rights } from "../rights/rights.ts";
import type { HourlyCounts } from "./hourly-counts.ts";
import { nameOf, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceMethod } from "./service.ts";

/** Plugins between the first call and the last one. */
export const MAX_CALL_DEPTH = 8;
/** Calls from plugin to plugin that one first call may have under way, over all that it led to. */
const MAX_UNDER_WAY = 64;
/** Of the caller's remaining time, what the callee does not get: time to say that it took too long. */
const RESERVE_SHARE = 0.1;
const MAX_RESERVE_MS = 2_000;
const ACTION = /^[a-zA-Z][A-Za-z0-9_-]{0,63}$/;
const METHOD = "plugins.call";

/** What the service works on. All of it belongs to the host. */
export interface PluginsParts {
  readonly rights: Rights;
  readonly plugins: PluginTable;
  readonly counts: HourlyCounts;
  /** Runs an action as the host does for the embedding program. */
  readonly call: (pluginId: string, action: string, input: unknown, scope: CallScope) => Promise<unknown>;
}

/** What is called, by which right. */
interface Target {
  readonly id: string;
  readonly action: string;
  readonly wanted: Permission;
  readonly effectKey: string | undefined;
}

/**
 * `ctx.plugins`: actions of the plugins that the manifest depends on. What is called has its own rights, and of
 * them only those that its caller has too, unless the caller was granted `withTheirRights`.
 */
export function makePluginsService({ rights, plugins, counts, call: run }: PluginsParts): Service {
  /** The permission that a call needs. Whether it reaches for the callee's own rights is the manifest's to say. */
  function wantedFor(call: ServiceCall, target: string): Permission {
    const wanted = (withTheirRights: boolean): Permission => ({
      name: "platform_services",
      plugins: { actions: [target], perHour: 1, withTheirRights },
    });
    const declared = plugins.manifestOf(call.pluginId)?.permissions.map(permissionOf) ?? [];
    return wanted(declared.some((each) => covers(each, wanted(true))));
  }

  function verifyPlace(call: ServiceCall, id: string, action: string): void {
    const { dependencies = {}, optionalDependencies = {} } = plugins.manifestOf(call.pluginId) ?? {};
    if (!Object.hasOwn(dependencies, id) && !Object.hasOwn(optionalDependencies, id))
      throw new HostError("BROKER_NOT_A_DEPENDENCY", `${METHOD}: ${call.pluginId} does not depend on ${quote(id)}`);
    const chain = [...call.chain, call.pluginId];
    if (chain.includes(id))
      throw new HostError("BROKER_CALL_CYCLE", `${METHOD}: ${[...chain, id].join(" calls ")}`, { details: { chain } });
    if (chain.length >= MAX_CALL_DEPTH)
      throw new HostError(
        "BROKER_CALL_DEPTH",
        `${METHOD}: ${chain.length} plugins or events led to ${call.pluginId} ${call.action}, at most ${MAX_CALL_DEPTH} may`,
      );
    const actions = new Map(Object.entries(plugins.manifestOf(id)?.contributes.actions ?? {}));
    if (call.effect === "pure" && actions.get(action)?.effect !== "pure")
      throw new HostError(
        "BROKER_EFFECT_DENIED",
        `${METHOD}: the action ${call.action} is declared pure, and ${id} ${action} is not`,
      );
  }

  return {
    name: "plugins",
    methods: new Map<string, ServiceMethod>([
      [
        "call",
        {
          // Whether a call changes something depends on the action that is called: `verifyPlace` looks at it.
          hasEffect: "by-callee",
          async run(call, request, effectKey) {
            const id = nameOf(METHOD, request, "plugin", 200);
            const action = nameOf(METHOD, request, "action", 64);
            if (tryParsePluginId(id) === undefined || !ACTION.test(action))
              throw requestInvalid(
                METHOD,
                `expected a plugin's id and an action's name, found ${quote(`${id}/${action}`)}`,
              );
            const wanted = wantedFor(call, `${id}/${action}`);
            verifyPlace(call, id, action);
            const right = await rights.verify(call, wanted);
            const { tree } = call;
            if (tree.underWay >= MAX_UNDER_WAY)
              throw new HostError("BROKER_QUOTA_EXCEEDED", `${METHOD}: ${MAX_UNDER_WAY} calls are under way`);
            tree.underWay += 1;
            try {
              await counts.spend(call.pluginId, "plugins", serviceAmountOf(right, "plugins", "perHour"));
              return { output: await callOn(call, { id, action, wanted, effectKey }, request["input"] ?? null) };
            } finally {
              tree.underWay -= 1;
            }
          },
        },
      ],
    ]),
  };

  async function callOn(
    call: ServiceCall,
    { id, action, wanted, effectKey }: Target,
    input: unknown,
  ): Promise<unknown> {
    const hasTheirRights = wanted.name === "platform_services" && wanted.plugins?.withTheirRights === true;
    const leftMs = Math.max(call.deadlineAt - performance.now(), 0);
    const timeout = AbortSignal.timeout(Math.floor(leftMs - Math.min(leftMs * RESERVE_SHARE, MAX_RESERVE_MS)));
    const { partition, callerRights, tree, deadlineAt, label } = call;
    try {
      return await run(id, action, input, {
        partition,
        callerRights,
        ...(effectKey !== undefined && call.effectKey?.isRepeatable === true && { idempotencyKey: effectKey }),
        signal: AbortSignal.any([call.signal(), timeout]),
        label: label.current,
        onLabel: (found) => label.add(found),
        origin: {
          by: `called by ${call.pluginId}`,
          hops: call.hops,
          chain: [...call.chain, call.pluginId],
          through: hasTheirRights ? undefined : call,
          deadlineAt,
          tree,
        },
      });
    } catch (error) {
      throw calleeFailed(`${id} ${action}`, error, timeout.aborted);
    }
  }
}

/**
 * What the calling plugin hears. Its callee's words, which are meant for whoever calls it, but neither its stack
 * nor anything about the machine.
 */
function calleeFailed(target: string, error: unknown, hasTimedOut: boolean): HostError {
  const found = isCodedError(error) ? error.code : "INTERNAL";
  const code = hasTimedOut && found === "SANDBOX_CANCELLED" ? "SANDBOX_DEADLINE" : found;
  const isTold = isCodedError(error) && ["input", "denied", "limit"].includes(error.kind);
  const failure = isCodedError(error) ? (error.details?.["plugin"] as PluginFailure | undefined) : undefined;
  return new HostError("BROKER_CALLEE_FAILED", `${target} did not answer: ${isTold ? error.message : code}`, {
    cause: error,
    details: {
      code,
      ...(failure !== undefined && {
        thrown: { name: failure.name, message: failure.message, code: failure.code },
      }),
    },
  });
}
