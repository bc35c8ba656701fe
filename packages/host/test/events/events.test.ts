import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { Host, HostEventDelivery } from "@berth/host";
import { statedPermissionSchema } from "@berth/spec";

import { Clock, pause, until } from "../clock.ts";
import { install, makePackage, withHost } from "../fixture.ts";
import { eventRight, publisher, subscriber } from "./plugins-of-events.ts";

interface Heard extends HostEventDelivery {
  readonly value: unknown;
}

const publish = (host: Host<string>, request: unknown[], caller?: string): Promise<{ id?: string; isNew?: boolean }> =>
  host.call("acme.pub", "publish", request, caller === undefined ? {} : { caller }) as Promise<object>;
const heard = async (host: Host<string>, area = "plugin", caller = "nobody"): Promise<Heard[]> =>
  (await host.call("acme.sub", "heard", area, { caller })) as Heard[];
const hasHeard =
  (host: Host<string>, count: number): (() => Promise<boolean>) =>
  async () =>
    (await heard(host)).length >= count;

for (const delivery of ["said", "kept"]) {
  test(`brings the event "${delivery}" to whoever subscribed, in the partition of its publisher`, () =>
    withHost(async (host) => {
      await install(host, publisher());
      await install(host, subscriber());
      const { id, isNew } = await publish(host, [delivery, "hello"], "anna");
      await until(hasHeard(host, 1));
      const [event] = await heard(host);
      assert.equal(isNew, true);
      assert.deepEqual(
        { ...event, publishedAt: "" },
        {
          value: "hello",
          id,
          topic: `acme.pub/${delivery}`,
          publishedAt: "",
          attempt: 1,
        },
      );
      await publish(host, [delivery, "private"], "anna");
      await until(async () => (await heard(host, "user", "anna")).length === 1);
      assert.deepEqual(await heard(host, "user", "bert"), []);
      const detailOf = async (): Promise<string | undefined> =>
        (await host.journal({ pluginId: "acme.sub" })).find(({ subject }) => subject === "hear")?.detail;
      await until(async () => (await detailOf()) !== undefined);
      assert.equal(await detailOf(), `event acme.pub/${delivery}`);
      assert.deepEqual(await host.events.deadLetters(), []);
    }));
}

test("the same at strict", () =>
  withHost(
    async (host) => {
      await install(host, publisher());
      await install(host, subscriber());
      await publish(host, ["kept", { bytes: new Uint8Array([1, 2]) }]);
      await until(hasHeard(host, 1));
      assert.deepEqual((await heard(host))[0]?.value, { bytes: new Uint8Array([1, 2]) });
    },
    { engines: [quickjs()], policy: { level: "strict" } },
  ));

test("a handler that fails is tried again, later each time, and given up after the eighth time", async () => {
  const clock = new Clock("2026-05-01T00:00:00Z");
  await withHost(
    async (host) => {
      await install(host, publisher());
      await install(host, subscriber());
      await host.call("acme.sub", "breakDown", true);
      const { id } = await publish(host, ["kept", 1]);
      const tries = async (): Promise<number> => Number(await host.call("acme.sub", "tries", null));
      await until(async () => (await tries()) === 1);
      clock.advance(500);
      await pause();
      assert.equal(await tries(), 1);
      await clock.advanceUntil(500, async () => (await tries()) === 2);
      await clock.advanceUntil(60_000, async () => (await host.events.deadLetters()).length === 1);
      assert.equal(await tries(), 8);
      const [letter] = await host.events.deadLetters();
      assert.deepEqual(
        { ...letter, publishedAt: "", reason: letter?.reason.slice(0, 20) },
        {
          subscriber: "acme.sub",
          eventId: id,
          topic: "acme.pub/kept",
          publishedAt: "",
          attempts: 8,
          reason: "SANDBOX_PLUGIN_THREW",
        },
      );
      const noted = (await host.journal({ pluginId: "acme.sub" })).find(({ kind }) => kind === "event");
      assert.deepEqual([noted?.subject, noted?.outcome], ["acme.pub/kept", "SANDBOX_PLUGIN_THREW"]);
      await host.call("acme.sub", "breakDown", false);
      if (letter !== undefined) await host.events.redeliver(letter);
      await until(hasHeard(host, 1));
      await until(async () => (await host.events.deadLetters()).length === 0);
      await assert.rejects(host.events.redeliver({ subscriber: "acme.sub", eventId: id ?? "" }), {
        code: "HOST_EVENT_UNKNOWN",
      });
    },
    { now: clock.now, setAlarm: clock.setAlarm },
  );
});

test("publishing and hearing need a right, and a denial names the parameter", () =>
  withHost(async (host) => {
    await install(host, publisher("acme.pub", eventRight(["acme.pub/said"], [])));
    await install(host, subscriber());
    assert.deepEqual(await publish(host, ["kept", 1]), {
      code: "BROKER_DENIED",
      details: { term: "manifest", permission: "platform_services", parameter: "events.publish" },
    });
    await host.revoke("acme.sub", "platform_services");
    await install(host, publisher("acme.other"));
    await install(host, subscriber("acme.sub2", ["acme.other/kept"]));
    await host.revoke("acme.sub2", "platform_services");
    await host.call("acme.other", "publish", ["kept", 1]);
    await until(async () => (await host.events.deadLetters()).length === 1);
    const [letter] = await host.events.deadLetters();
    assert.equal(letter?.reason.startsWith("BROKER_DENIED: acme.sub2 hear has no right to platform_services"), true);
    const denials = (await host.journal()).filter(({ kind }) => kind === "denial");
    assert.deepEqual(denials.map(({ pluginId, subject }) => `${pluginId} ${subject}`).toSorted(), [
      "acme.pub events.publish platform_services.events.publish",
      "acme.sub2 events.subscribe platform_services",
    ]);
    await host.grant("acme.sub2", statedPermissionSchema.parse(eventRight(["acme.sub2/*"], ["acme.other/kept"])));
    if (letter !== undefined) await host.events.redeliver(letter);
    await until(async () => ((await host.call("acme.sub2", "heard", "plugin")) as unknown[]).length === 1);
  }));

test("whoever handles an event has no right that the publisher's caller lacks", () =>
  withHost(
    async (host) => {
      await install(host, publisher());
      await install(host, subscriber());
      await publish(host, ["kept", "for all"], "anna");
      await publish(host, ["kept", "for none"], "bert");
      await until(async () => (await host.events.deadLetters()).length === 1);
      await until(hasHeard(host, 1));
      assert.deepEqual(
        (await heard(host)).map(({ value }) => value),
        ["for all"],
      );
    },
    {
      rightsOf: (user) => [
        statedPermissionSchema.parse(eventRight(["acme.pub/*"], user === "anna" ? ["acme.pub/*"] : [])),
      ],
    },
  ));

test("refuses malformed publications by code", () =>
  withHost(async (host) => {
    await install(host, publisher());
    const invalid: unknown[][] = [
      [],
      [null, "x"],
      ["unknown", "x"],
      ["__proto__", "x"],
      ["constructor", "x"],
      ["acme.other/said", "x"],
      ["said", 7],
      ["said"],
      ["said", "x".repeat(65_537)],
      ["kept", ["x".repeat(65_537)]],
      ["said", "x", { key: "k" }],
      ["kept", "x", { key: "" }],
      ["kept", "x", { key: 7 }],
      ["kept", "x", { key: "k".repeat(201) }],
      ["kept", "x", { key: "a\0b" }],
    ];
    for (const request of invalid) {
      const answer = (await publish(host, request)) as { code?: string };
      assert.equal(answer.code, "BROKER_REQUEST_INVALID", JSON.stringify(request).slice(0, 80));
    }
    assert.equal(await host.call("acme.pub", "pure", null), "BROKER_EFFECT_DENIED");
    const polluting = JSON.parse('{"__proto__": {"polluted": 1}}') as object;
    assert.equal((await publish(host, ["kept", polluting])).isNew, true);
    assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  }));

test("the hour's amount holds also for events at the same moment", () =>
  withHost(async (host) => {
    await install(host, publisher("acme.pub", eventRight(["acme.pub/*"], [], { perHour: 4 })));
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) => publish(host, ["kept", index], `user${index % 3}`)),
    );
    assert.equal(answers.filter(({ isNew }) => isNew === true).length, 4);
  }));

test("a key makes one event of many for a day, and belongs to one plugin, topic and partition", async () => {
  const clock = new Clock("2026-05-01T00:00:00Z");
  await withHost(
    async (host) => {
      await install(host, publisher());
      await install(host, publisher("acme.other"));
      await install(host, subscriber());
      const keyed = (value: unknown, caller?: string): ReturnType<typeof publish> =>
        publish(host, ["kept", value, { key: "order-1" }], caller);
      const answers = await Promise.all(Array.from({ length: 10 }, () => keyed("same")));
      assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
      assert.equal(answers.filter(({ isNew }) => isNew).length, 1);
      await until(hasHeard(host, 1));
      assert.equal(((await keyed("different")) as { code?: string }).code, "BROKER_KEY_REUSED");
      assert.equal((await keyed("different", "anna")).isNew, true);
      const other = (await host.call("acme.other", "publish", ["kept", "x", { key: "order-1" }])) as {
        isNew?: boolean;
      };
      assert.equal(other.isNew, true);
      clock.advance(86_400_000 - 1);
      assert.equal((await keyed("same")).isNew, false);
      clock.advance(2);
      assert.equal((await keyed("another")).isNew, true);
      await until(hasHeard(host, 3));
      assert.equal((await heard(host)).length, 3);
    },
    { now: clock.now, setAlarm: clock.setAlarm },
  );
});

test("what is durable waits for a plugin that is switched off, what is ephemeral does not", () =>
  withHost(async (host) => {
    await install(host, publisher());
    await install(host, subscriber());
    await host.disable("acme.sub");
    await publish(host, ["said", "gone"]);
    await publish(host, ["kept", "waits"]);
    await host.enable("acme.sub");
    await until(hasHeard(host, 1));
    assert.deepEqual(
      (await heard(host)).map(({ value }) => value),
      ["waits"],
    );
  }));

test("the embedding program publishes and hears too; under a name nothing is lost while it is away", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-host-"));
  const open = (): Promise<Host<string>> =>
    openHost<string>({
      dataDir,
      engines: [isolate()],
      partitionOf: (user) => user,
      events: { "order-paid": { payload: { type: "number" }, delivery: "durable" }, ping: { payload: true } },
    });
  try {
    let host = await open();
    await install(host, publisher());
    await install(host, subscriber("acme.sub", ["app/order-paid", "app/ping"]));
    assert.equal((await host.events.publish("order-paid", 7, { caller: "anna", key: "1" })).isNew, true);
    assert.equal((await host.events.publish("order-paid", 7, { caller: "anna", key: "1" })).isNew, false);
    await host.events.publish("ping", null);
    await until(hasHeard(host, 2));
    assert.deepEqual((await heard(host)).map(({ topic }) => topic).toSorted(), ["app/order-paid", "app/ping"]);
    for (const [name, value, options, code] of [
      ["order-paid", "7", {}, "BROKER_REQUEST_INVALID"],
      ["ping", 1, { key: "k" }, "BROKER_REQUEST_INVALID"],
      ["order-paid", 1, { key: "" }, "BROKER_REQUEST_INVALID"],
      ["unknown", 1, {}, "HOST_EVENT_UNKNOWN"],
      ["toString", 1, {}, "HOST_EVENT_UNKNOWN"],
    ] as const)
      await assert.rejects(host.events.publish(name, value, options), { code });
    for (const topic of ["kept", "acme.pub/*", "acme/kept", "app:x/kept", "acme.pub/kept/more"])
      await assert.rejects(
        host.events.subscribe(topic, () => undefined),
        { code: "HOST_EVENT_UNKNOWN" },
      );

    const got: unknown[] = [];
    const stop = await host.events.subscribe(
      "acme.pub/said",
      ({ value, partition }) => void got.push([value, partition]),
    );
    await publish(host, ["said", "once"], "anna");
    await until(() => got.length === 1);
    stop();
    await publish(host, ["said", "twice"]);
    const stopNamed = await host.events.subscribe("acme.pub/kept", () => undefined, { name: "billing" });
    stopNamed();
    await publish(host, ["kept", "while nobody handles it"]);
    await host.close();

    host = await open();
    await publish(host, ["kept", "before it subscribes again"]);
    const values: unknown[] = [];
    await host.events.subscribe("acme.pub/kept", ({ value }) => void values.push(value), { name: "billing" });
    await until(() => values.length === 2);
    assert.deepEqual(values.map(String).toSorted(), ["before it subscribes again", "while nobody handles it"]);
    await host.events.forget("billing");
    await host.events.subscribe("acme.pub/kept", ({ value }) => void got.push(value));
    await publish(host, ["kept", "for who is there"]);
    await until(() => got.length === 2);
    await host.close();
    assert.equal(values.length, 2);
  } finally {
    await rm(dataDir, { recursive: true });
  }
});

test("events that lead to one another end at the eighth", () =>
  withHost(async (host) => {
    await install(host, subscriber("acme.sub", ["acme.sub/echo"]));
    await host.call("acme.sub", "echo", null);
    await until(async () => (await host.call("acme.sub", "get", "end")) === "BROKER_CALL_DEPTH");
    assert.equal(await host.call("acme.sub", "get", "rounds"), 9);
  }));

test("a full queue is its subscriber's trouble alone, and dead letters have a bound", () =>
  withHost(
    async (host) => {
      await install(host, subscriber("acme.sub", ["app/tick"]));
      await host.disable("acme.sub");
      for (let count = 0; count < 1_000; count += 100)
        await Promise.all(Array.from({ length: 100 }, (_, index) => host.events.publish("tick", count + index)));
      const values: unknown[] = [];
      await host.events.subscribe("app/tick", ({ value }) => void values.push(value), { name: "other" });
      await Promise.all(Array.from({ length: 110 }, (_, index) => host.events.publish("tick", index)));
      await until(() => values.length === 110);
      const letters = await host.events.deadLetters();
      assert.equal(letters.length, 100);
      assert.deepEqual([...new Set(letters.map(({ reason }) => reason))], ["the queue is full"]);
    },
    { events: { tick: { payload: true, delivery: "durable" } } },
  ));

test("an ephemeral event that finds a full queue is dropped, and the journal counts it", () =>
  withHost(
    async (host) => {
      const end = Promise.withResolvers<void>();
      let begun = 0;
      await host.events.subscribe("app/tick", () => {
        begun += 1;
        return end.promise;
      });
      for (let count = 0; count < 300; count += 1) await host.events.publish("tick", count);
      const dropped = (await host.journal()).filter(({ kind }) => kind === "event");
      assert.equal(begun, 4);
      assert.equal(
        dropped.reduce((sum, { count }) => sum + count, 0),
        300 - 256 - 4,
      );
      assert.deepEqual([...new Set(dropped.map(({ outcome }) => outcome))], ["BROKER_QUOTA_EXCEEDED"]);
      end.resolve();
      await until(() => begun === 260);
    },
    { events: { tick: { payload: true } } },
  ));

test("uninstalling erases what a plugin published and what waits for it", () =>
  withHost(async (host) => {
    await install(host, publisher());
    await install(host, subscriber());
    await host.disable("acme.sub");
    await publish(host, ["kept", 1, { key: "k" }]);
    await host.uninstall("acme.sub");
    await install(host, subscriber());
    await publish(host, ["kept", 2]);
    await until(hasHeard(host, 1));
    assert.deepEqual(
      (await heard(host)).map(({ value }) => value),
      [2],
    );
    await host.uninstall("acme.pub");
    await install(host, publisher());
    assert.equal((await publish(host, ["kept", 1, { key: "k" }])).isNew, true);
  }));

test("a manifest whose subscription names no action is refused", () =>
  withHost(async (host) => {
    const made = makePackage({
      manifest: {
        contributes: {
          actions: { a: { input: true, output: true } },
          subscriptions: { "acme.pub/kept": { action: "toString" } },
        },
      },
    });
    await assert.rejects(host.plan(made), { code: "SPEC_MANIFEST_INVALID" });
    for (const topic of ["kept", "acme.pub/*", "acme.pub/", "/kept", "Acme.pub/kept", "acme.pub/a/b"]) {
      const subscriptions = { [topic]: { action: "echo" } };
      const bad = makePackage({
        manifest: { contributes: { actions: { echo: { input: true, output: true } }, subscriptions } },
      });
      await assert.rejects(host.plan(bad), { code: "SPEC_MANIFEST_INVALID" }, topic);
    }
  }));
