// Reports and items are answers too: whoever called knows the label before the first of them that may carry labelled data.
import assert from "node:assert/strict";
import test from "node:test";

import type { Host } from "@berth/host";
import { SECURITY_LEVELS } from "@berth/spec";
import type { DataLabel } from "@berth/spec";

import { makePackage } from "../fixture.ts";
import { engineOf, whyNot } from "../levels.ts";
import { until } from "../sandbox-hosts.ts";
import { dataRight, labPlugin, providerOf, servicesRight, withLab } from "./lab.ts";

const any = { input: true, output: true };
const stream = { ...any, streams: true };
/** Goes on with what it does when the embedding program says so. */
const CODE = `
  const goOn = async (ctx, name) => {
    while ((await ctx.storage.get(name)) === undefined) await new Promise((wake) => setTimeout(wake, 10));
  };
  var berthPlugin = { actions: {
    goOn: (name, ctx) => ctx.storage.put(name, true),
    async tells(value, ctx) {
      ctx.progress({ message: "nothing yet" });
      await goOn(ctx, "read");
      const { name } = await ctx.user.data.get("contacts", "1");
      ctx.progress({ message: name });
      await goOn(ctx, "end");
      return null;
    },
    again(value, ctx) { ctx.progress({ message: "again" }); return null; },
    async *rows(value, ctx) {
      yield "nothing yet";
      await goOn(ctx, "read");
      yield (await ctx.user.data.get("contacts", "1")).name;
      await goOn(ctx, "end");
      yield (await ctx.user.data.get("notes", "n")).text;
    },
    async *more() { yield 1; yield 2; },
    async *fails(value, ctx) { throw new Error((await ctx.user.data.get("contacts", "1")).name); },
    async *stays(value, ctx) { yield (await ctx.user.data.get("contacts", "1")).name; await new Promise(() => {}); },
  } };`;
const CONTACTS = ["*.example.com", "localhost"];
const BOTH = ["api.example.com"];

const plugin = (level: string): Uint8Array =>
  makePackage({
    code: CODE,
    manifest: {
      level,
      permissions: [
        dataRight({ entities: ["contacts"], mayLeaveTo: CONTACTS }),
        dataRight({ entities: ["notes"], mayLeaveTo: ["127.0.0.1", ...BOTH] }),
      ],
      contributes: {
        actions: {
          goOn: any,
          tells: any,
          again: any,
          rows: stream,
          more: stream,
          fails: stream,
          stays: stream,
        },
      },
    },
  });

/** What the embedding program heard, in order: labels as lists, everything else as words. */
function listen(): {
  readonly heard: unknown[];
  readonly options: {
    caller: string;
    onLabel(label: DataLabel): void;
    onProgress(report: { message?: string | undefined }): void;
  };
} {
  const heard: unknown[] = [];
  return {
    heard,
    options: {
      caller: "ann",
      onLabel: ({ mayLeaveTo }) => heard.push(mayLeaveTo),
      onProgress: ({ message }) => heard.push(message),
    },
  };
}

for (const level of SECURITY_LEVELS) {
  const it = (sentence: string, work: (host: Host<string>) => Promise<void>): void =>
    void test(`${level}: ${sentence}`, async (t) => {
      const reason = await whyNot(level);
      if (reason !== undefined) return t.skip(reason);
      await withLab(
        () => [plugin(level)],
        ({ host }) => work(host),
        { engines: [engineOf(level)] },
      );
    });
  const staysLabelled = level !== "strict";

  it("tells the label before the first report that may carry labelled data", async (host) => {
    const { heard, options } = listen();
    const call = host.call("acme.demo", "tells", null, options);
    await until(() => heard.length === 1);
    assert.deepEqual(heard, ["nothing yet"]);
    await host.call("acme.demo", "goOn", "read", { caller: "ann" });
    await until(() => heard.length === 3);
    assert.deepEqual(heard, ["nothing yet", CONTACTS, "Ann"]);
    await host.call("acme.demo", "goOn", "end", { caller: "ann" });
    await call;
    assert.equal(heard.length, 3, "a label is told once");
    // Nothing is read here, but what was read may still be in memory.
    const next = listen();
    await host.callBytes("acme.demo", "again", Buffer.from("null"), next.options);
    assert.deepEqual(next.heard, staysLabelled ? [CONTACTS, "again"] : ["again"]);
    const other = listen();
    await host.call("acme.demo", "again", null, { ...other.options, caller: "bob" });
    assert.deepEqual(other.heard, ["again"]);
  });

  it("tells the label before the first item that may carry labelled data, and each change", async (host) => {
    const { heard, options } = listen();
    const items = host.stream("acme.demo", "rows", null, options);
    const take = async (): Promise<void> => void heard.push((await items.next()).value);
    await take();
    assert.deepEqual(heard, ["nothing yet"]);
    await host.call("acme.demo", "goOn", "read", { caller: "ann" });
    await take();
    assert.deepEqual(heard, ["nothing yet", CONTACTS, "Ann"]);
    await host.call("acme.demo", "goOn", "end", { caller: "ann" });
    await take();
    await take();
    assert.deepEqual(heard, ["nothing yet", CONTACTS, "Ann", BOTH, "hello", undefined]);
    const next = listen();
    for await (const item of host.stream("acme.demo", "more", null, next.options)) next.heard.push(item);
    assert.deepEqual(next.heard, staysLabelled ? [BOTH, 1, 2] : [1, 2]);
    const calls = (await host.journal({ pluginId: "acme.demo" })).filter(({ kind }) => kind === "call");
    assert.deepEqual(calls.find(({ subject }) => subject === "rows")?.label?.mayLeaveTo, BOTH);
  });

  it("tells the label of a stream that fails, or is left", async (host) => {
    const failing = listen();
    await assert.rejects(host.stream("acme.demo", "fails", null, failing.options).next(), /Error: Ann/);
    assert.deepEqual(failing.heard, [CONTACTS]);
    await host.unload("acme.demo");
    const left = listen();
    for await (const item of host.stream("acme.demo", "stays", null, left.options)) {
      left.heard.push(item);
      break;
    }
    assert.deepEqual(left.heard, [CONTACTS, "Ann"]);
  });
}

test("a plugin that calls another one hears nothing of its progress, and its own reports carry what came back", () => {
  const code = `var berthPlugin = { actions: {
    async outer(value, ctx) {
      ctx.progress({ message: "before" });
      const answer = await ctx.plugins.call("acme.reader", "run", [["get", "contacts", "1"]]);
      ctx.progress({ message: "after" });
      return answer;
    },
  } };`;
  const permissions = [dataRight(), servicesRight({ plugins: { actions: ["acme.reader/*"], perHour: 1_000 } })];
  const dependencies = { "acme.reader": "^1.0.0" };
  const manifest = { permissions, dependencies, contributes: { actions: { outer: any } } };
  return withLab(
    () => [
      labPlugin({ id: "acme.reader", permissions: [dataRight()] }),
      makePackage({ id: "acme.outer", code, manifest }),
    ],
    async ({ host }) => {
      const { heard, options } = listen();
      await host.call("acme.outer", "outer", null, options);
      assert.deepEqual(heard, ["before", [], "after"]);
    },
    { userData: providerOf() },
  );
});
