import { quote } from "@berth/base";
import type { Permission } from "@berth/spec";
import { encodeValue } from "@berth/wire";

import { HostError } from "../errors.ts";
import { MAX_HOPS } from "../events/event-bus.ts";
import type { EventBus } from "../events/event-bus.ts";
import type { PluginTable } from "../lifecycle/plugin-table.ts";
import { serviceAmountOf } from "../rights/decide-right.ts";
import type { Rights } from "../rights/rights.ts";
import type { ValueCheck } from "../schema/value-check.ts";
import type { HourlyCounts } from "./hourly-counts.ts";
import { methodTable, nameOf, requestInvalid } from "./service.ts";
import type { Service } from "./service.ts";

const METHOD = "events.publish";
const MAX_KEY_LENGTH = 200;

/** What the service works on. All of it belongs to the host. */
export interface EventsParts {
  readonly rights: Rights;
  readonly plugins: PluginTable;
  readonly counts: HourlyCounts;
  readonly values: ValueCheck;
  readonly bus: () => EventBus;
}

/** `ctx.events`: a plugin publishes the events that its manifest declares, under topics that are its own. */
export function makeEventsService({ rights, plugins, counts, values, bus }: EventsParts): Service {
  return {
    name: "events",
    methods: methodTable(
      {},
      {
        async publish(call, request, effectKey) {
          const { pluginId, partition, callerRights, hops, label } = call;
          const name = nameOf(METHOD, request, "event", 64);
          const key = request["key"] === undefined ? undefined : nameOf(METHOD, request, "key", MAX_KEY_LENGTH);
          const release = plugins.find(pluginId)?.release;
          const declared = new Map(Object.entries(release?.manifest.contributes.events ?? {})).get(name);
          if (release === undefined || declared === undefined)
            throw requestInvalid(METHOD, `the manifest declares no event ${quote(name)}`);
          const isDurable = declared.delivery === "durable";
          if (key !== undefined && !isDurable)
            throw requestInvalid(METHOD, `the event ${name} is ephemeral, and only durable ones have keys`);
          if (hops >= MAX_HOPS)
            throw new HostError(
              "BROKER_CALL_DEPTH",
              `${METHOD}: ${hops} events led to this one, at most ${MAX_HOPS} may`,
            );
          const topic = `${pluginId}/${name}`;
          const wanted: Permission = {
            name: "platform_services",
            events: { publish: [topic], subscribe: [], perHour: 1 },
          };
          const right = await rights.verify(call, wanted);
          const value = request["value"] ?? null;
          const crossing = encodeValue(value);
          const fault = await values.faultOf(declared.payload, value, crossing, () => release.eventValidator(name));
          if (fault !== undefined)
            throw requestInvalid(METHOD, `the value of ${name} at "${fault.path}" ${fault.message}`);
          await counts.spend(pluginId, "events", serviceAmountOf(right, "events", "perHour"));
          const ownKey = isDurable && call.effectKey?.isRepeatable === true ? effectKey : undefined;
          const event = {
            publisher: pluginId,
            topic,
            isDurable,
            partition,
            callerRights,
            hops,
            value,
            label: label.current,
          };
          return bus().publish({ ...event, key: key ?? ownKey });
        },
      },
    ),
  };
}
