// An effect that is not repeated answers as before: also with the label that its first answer had.
import assert from "node:assert/strict";
import test from "node:test";

import type { PluginLogLine } from "@berth/host";
import { makeDataLabel } from "@berth/spec";
import type { DataLabel } from "@berth/spec";

import { RememberedEffects } from "../../src/broker/remembered-effects.ts";
import { CallLabel } from "../../src/labels/call-label.ts";
import { HeardLabel } from "../../src/labels/heard-label.ts";
import { InstanceLabel } from "../../src/labels/instance-label.ts";
import { makePackage } from "../fixture.ts";
import { killSandboxHosts, until } from "../sandbox-hosts.ts";
import { dataRight, labPlugin, servicesRight, withLab } from "./lab.ts";

const A = makeDataLabel(["a.com"]);
const AB = makeDataLabel(["a.com", "b.com"]);
const BC = makeDataLabel(["b.com", "c.com"]);

/** An attempt at a call, in an instance of its own. */
function begin(heard?: HeardLabel): CallLabel {
  const label = new CallLabel();
  heard?.follow(label);
  label.enter(new InstanceLabel(false));
  return label;
}

const never = (): never => assert.fail("it was asked for again");

test("an answer that is given again brings its label along", async () => {
  const effects = new RememberedEffects();
  const first = begin();
  const answer = await effects.once("key", true, first, async () => {
    first.add(A);
    return "Ann";
  });
  first.leave();
  const second = begin();
  assert.equal(await effects.once("key", true, second, never), answer);
  assert.deepEqual(second.current, A);
});

test("an answer that comes when its attempt has ended brings its label along too", async () => {
  const effects = new RememberedEffects();
  const first = begin();
  const { promise, resolve } = Promise.withResolvers<string>();
  const lost = effects.once("key", true, first, async () => {
    const answer = await promise;
    first.add(A);
    return answer;
  });
  first.leave();
  assert.equal(first.current, undefined);
  const second = begin();
  const repeated = effects.once("key", true, second, never);
  resolve("Ann");
  assert.deepEqual([await lost, await repeated], ["Ann", "Ann"]);
  assert.deepEqual(second.current, A);
  assert.equal(first.current, undefined, "what came too late was in no answer of the first attempt");
});

test("an answer without a label gives none", async () => {
  const effects = new RememberedEffects();
  await effects.once("key", true, begin(), async () => 1);
  const second = begin();
  await effects.once("key", true, second, never);
  assert.equal(second.current, undefined);
});

test("whoever called hears the labels of all attempts, each change once", () => {
  const told: DataLabel[] = [];
  const heard = new HeardLabel((label) => told.push(label));
  const first = begin(heard);
  heard.tell();
  assert.deepEqual(told, []);
  first.add(AB);
  heard.tell();
  heard.tell();
  first.leave();
  const second = begin(heard);
  heard.tell();
  assert.deepEqual([heard.current, told], [AB, [AB]]);
  second.add(BC);
  heard.tell();
  second.leave();
  heard.tell();
  assert.deepEqual(told, [AB, makeDataLabel(["b.com"])]);
});

test(
  "a call that is made again after a neighbour's crash is labelled by what it had before",
  { skip: process.platform !== "linux" && "finds sandbox hosts through /proc" },
  () => {
    const code = `var berthPlugin = { actions: {
      echo: (value) => value,
      goOn: (value, ctx) => ctx.storage.put("goOn", true),
      async asks(value, ctx) {
        const [{ name }] = await ctx.plugins.call("acme.reader", "run", [["get", "contacts", "1"]]);
        ctx.log.info(name);
        while ((await ctx.storage.get("goOn")) === undefined) await new Promise((wake) => setTimeout(wake, 10));
        return name;
      },
    } };`;
    const any = { input: true, output: true };
    const actions = { echo: any, goOn: any, asks: { ...any, effect: "idempotent" } };
    const permissions = [
      servicesRight({ plugins: { actions: ["acme.reader/*"], perHour: 1_000, withTheirRights: true } }),
    ];
    const dependencies = { "acme.reader": "^1.0.0" };
    const limits = { cpuMs: 30_000, wallMs: 60_000 };
    const lines: PluginLogLine[] = [];
    return withLab(
      () => [
        labPlugin({ id: "acme.reader", permissions: [dataRight()] }),
        makePackage({
          id: "acme.outer",
          code,
          manifest: { permissions, dependencies, limits, contributes: { actions } },
        }),
        makePackage({ id: "acme.beside", code, manifest: { limits, contributes: { actions } } }),
      ],
      async ({ host }) => {
        // All three share one partition, and the two without data one process.
        for (const id of ["acme.beside", "acme.outer"]) await host.call(id, "echo", 1);
        const told: unknown[] = [];
        const asking = host.call("acme.outer", "asks", null, { caller: "ann", onLabel: (label) => told.push(label) });
        await until(() => lines.length === 1);
        killSandboxHosts();
        await until(() => lines.length === 2);
        await host.call("acme.outer", "goOn", null, { caller: "ann" });
        assert.equal(await asking, "Ann");
        assert.deepEqual(told, [{ mayLeaveTo: [] }]);
        for (const { text, label } of lines) {
          assert.match(text, /^lines are withheld/);
          assert.deepEqual(label, { mayLeaveTo: [] });
        }
        const [reader] = await host.statistics({ pluginId: "acme.reader" });
        const [asks] = (await host.statistics({ pluginId: "acme.outer" })).filter(({ action }) => action === "asks");
        assert.deepEqual([reader?.calls, asks?.calls, asks?.retries], [1, 1, 1]);
      },
      { spares: 0, onLog: (line) => lines.push(line) },
    );
  },
);
