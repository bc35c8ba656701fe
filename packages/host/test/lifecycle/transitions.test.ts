import assert from "node:assert/strict";
import test from "node:test";

import { TRANSITIONS } from "@berth/host";
import type { HostEvent, PluginState, Verb } from "@berth/host";

import { EventSink } from "../../src/host-event.ts";
import { PluginRecord } from "../../src/lifecycle/plugin-record.ts";

const STATES: readonly PluginState[] = [
  "available",
  "installing",
  "installed",
  "enabled",
  "disabled",
  "updating",
  "uninstalling",
  "failed",
  "quarantined",
];

/** How a record that has just been made comes to a state, by ways of the table. */
const WAYS: Readonly<Record<PluginState, readonly (readonly [Verb, PluginState])[]>> = {
  available: [],
  installing: [["beginInstall", "installing"]],
  installed: [["restore", "installed"]],
  enabled: [["restore", "enabled"]],
  disabled: [["restore", "disabled"]],
  updating: [
    ["restore", "enabled"],
    ["beginUpdate", "updating"],
  ],
  uninstalling: [
    ["restore", "enabled"],
    ["beginUninstall", "uninstalling"],
  ],
  failed: [["restore", "failed"]],
  quarantined: [["restore", "quarantined"]],
};

async function recordIn(state: PluginState): Promise<{ record: PluginRecord; events: HostEvent[] }> {
  const events: HostEvent[] = [];
  const now = new Date("2026-01-01T00:00:00.000Z");
  const record = new PluginRecord(
    "acme.demo",
    new EventSink(
      (event) => void events.push(event),
      () => now,
    ),
  );
  for (const [verb, to] of WAYS[state]) record.apply(verb, to, `to be ${to}`);
  await Promise.resolve();
  events.length = 0;
  assert.equal(record.state, state);
  return { record, events };
}

for (const verb of Object.keys(TRANSITIONS) as Verb[]) {
  test(`${verb}: from every state to every state, told as one event where the table has it, else refused and untold`, async () => {
    const { from: froms, to: tos } = TRANSITIONS[verb];
    let told = 0;
    for (const from of STATES) {
      for (const to of STATES) {
        const { record, events } = await recordIn(from);
        const isLegal = (froms as readonly string[]).includes(from) && (tos as readonly string[]).includes(to);
        const place = `${from} > ${to}`;
        if (!isLegal) {
          assert.throws(() => record.apply(verb, to, "no"), { code: "HOST_TRANSITION_ILLEGAL" }, place);
          await Promise.resolve();
          assert.deepEqual([record.state, events.length], [from, 0], place);
          continue;
        }
        record.apply(verb, to, "because");
        await Promise.resolve();
        const event = { kind: "state", pluginId: "acme.demo", version: undefined, from, to, reason: "because" };
        assert.deepEqual(events, [{ ...event, at: "2026-01-01T00:00:00.000Z" }], place);
        assert.deepEqual([record.state, record.reason], [to, "because"], place);
        told += 1;
      }
    }
    assert.equal(told, froms.length * tos.length);
  });
}
