import { setImmediate } from "node:timers/promises";

import { quote } from "@berth/base";
import { scheduleSchema } from "@berth/spec";
import { StoreError } from "@berth/store";
import type { Statement, Store } from "@berth/store";

import { HostError } from "../errors.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { areaOf, removeStatement, scheduleOf, setStatement } from "../schedules/schedule-rows.ts";
import type { ScheduleKey } from "../schedules/schedule-rows.ts";
import type { Scheduler } from "../schedules/scheduler.ts";
import type { HourlyCounts } from "./hourly-counts.ts";
import { methodTable, requestInvalid } from "./service.ts";
import type { Service, ServiceCall, ServiceRequest } from "./service.ts";

const NAME = /^[a-zA-Z][A-Za-z0-9_-]{0,63}$/;
const MAX_INPUT_BYTES = 4_096;

/** What the service works on. All of it belongs to the host. */
export interface SchedulesParts {
  readonly store: Store;
  readonly plugins: PluginTable;
  readonly counts: HourlyCounts;
  readonly scheduler: () => Scheduler;
}

/** More than a plugin can have schedules; finding out that one never runs takes the host milliseconds. */
const SETS_PER_HOUR = 600;

/** `ctx.schedules`: actions of the plugin that run by themselves, for the partition of the call that set them. */
export function makeSchedulesService({ store, plugins, counts, scheduler }: SchedulesParts): Service {
  // One in each turn of the event loop: requests that come together must not stall the embedding program together.
  let turn = Promise.resolve();
  const inTurn = (): Promise<void> => (turn = turn.then(() => setImmediate()));

  return {
    name: "schedules",
    methods: methodTable(
      {
        async list({ pluginId, partition }) {
          const rows = await store.all(
            "SELECT * FROM schedules WHERE plugin_id = ? AND is_declared = 0 AND area = ? ORDER BY name",
            [pluginId, areaOf(partition)],
          );
          const schedules = rows.map(scheduleOf).map(({ name, definition, nextAt }) => ({
            name,
            ...definition,
            nextAt: nextAt.toISOString(),
          }));
          return { schedules };
        },
      },
      {
        async set(call, request) {
          const method = "schedules.set";
          refuseThrough(method, call);
          await counts.spend(call.pluginId, "schedules", SETS_PER_HOUR);
          await inTurn();
          const key = keyOf(method, call, request);
          const { cron, timeZone, action, missed, input = null } = request;
          const parsed = scheduleSchema.safeParse({ cron, timeZone, action, missed });
          if (!parsed.success) {
            const [issue] = parsed.error.issues;
            throw requestInvalid(method, `${String(issue?.path[0] ?? "the schedule")} ${issue?.message ?? "is none"}`);
          }
          const definition = parsed.data;
          const actions = plugins.manifestOf(call.pluginId)?.contributes.actions ?? {};
          if (!Object.hasOwn(actions, definition.action))
            throw requestInvalid(method, `the plugin has no action ${quote(definition.action)}`);
          const nextAt = scheduler().firstTimeOf(definition);
          if (nextAt === undefined)
            throw requestInvalid(method, `${quote(definition.cron)} in ${quote(definition.timeZone)} never runs`);
          const { callerRights } = call;
          await write(
            key.name,
            store,
            setStatement({ ...key, definition, nextAt }, { input: inputOf(method, input), callerRights }),
          );
          scheduler().wake();
          return { nextAt: nextAt.toISOString() };
        },

        async remove(call, request) {
          const [removed] = await store.transaction([removeStatement(keyOf("schedules.remove", call, request))]);
          return { removed: removed?.changes === 1 };
        },
      },
    ),
  };
}

function keyOf(method: string, { pluginId, partition }: ServiceCall, { name }: ServiceRequest): ScheduleKey {
  if (typeof name !== "string" || !NAME.test(name))
    throw requestInvalid(method, `expected a name of at most 64 letters, digits, _ or -, found ${quote(name)}`);
  return { pluginId, partition, name, isDeclared: false };
}

/** What a schedule runs has its plugin's rights: a caller that lacks them must not get there by waiting. */
function refuseThrough(method: string, { pluginId, through }: ServiceCall): void {
  if (through === undefined) return;
  throw new HostError(
    "BROKER_DENIED",
    `${method}: ${pluginId} was called by ${through.pluginId}, whose rights a schedule would not be limited by`,
    { details: { term: "caller", callerPlugin: through.pluginId } },
  );
}

function inputOf(method: string, input: unknown): string {
  const text = JSON.stringify(input, (_key, value: unknown) => {
    if (value instanceof Uint8Array) throw requestInvalid(method, "the input holds bytes, which schedules do not keep");
    return value;
  });
  if (Buffer.byteLength(text) > MAX_INPUT_BYTES)
    throw requestInvalid(method, `the input has more than ${MAX_INPUT_BYTES} bytes`);
  return text;
}

async function write(name: string, store: Store, statement: Statement): Promise<void> {
  try {
    await store.transaction([statement]);
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== "STORE_EXPECTATION") throw error;
    throw new HostError(
      "BROKER_QUOTA_EXCEEDED",
      `schedules.set: ${quote(name)} would be one too many; 16 for each partition and 256 in all are kept`,
    );
  }
}
