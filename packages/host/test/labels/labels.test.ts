// Labelled data at every sink, from inside plugins: what is let through, what is refused, how long it lasts, where it goes on.
import assert from "node:assert/strict";
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { wasm } from "@berth/engine-wasm";
import { openHost } from "@berth/host";
import type { JournalEntry, PluginLogLine } from "@berth/host";
import { SECURITY_LEVELS } from "@berth/spec";

import { install, makePackage } from "../fixture.ts";
import { engineOf, whyNot } from "../levels.ts";
import {
  DENIED,
  dataRight,
  labPlugin,
  makeRecords,
  networkRight,
  providerOf,
  runSteps,
  servicesRight,
  withLab,
} from "./lab.ts";

const READ = ["get", "contacts", "1"];
const toLocalhost = dataRight({ mayLeaveTo: ["localhost"] });

for (const level of SECURITY_LEVELS) {
  test(`${level}: what has read goes only where the data may, and stays so ${level === "strict" ? "until the call ends" : "in the next call"}`, async (t) => {
    const reason = await whyNot(level);
    if (reason !== undefined) return t.skip(reason);
    const folder = await realpath(await mkdtemp(join(tmpdir(), "berth-labels-")));
    const lines: PluginLogLine[] = [];
    const files = [
      { name: "file_system_read", roots: [folder], reason: "to test" },
      { name: "file_system_write", roots: [folder], create: true, reason: "to test" },
    ];
    const events = servicesRight({ events: { publish: ["acme.demo/*"], subscribe: [], perHour: 1_000 } });
    const data = dataRight({ verbs: ["read", "update"], mayLeaveTo: ["localhost"] });
    try {
      await withLab(
        (port) => [labPlugin({ level, permissions: [data, networkRight(port), events, ...files] })],
        async ({ run, port, received }) => {
          const away = `http://127.0.0.1:${port}`;
          const home = `http://localhost:${port}`;
          const redirect = (to: string): string => `${home}/to/${encodeURIComponent(to)}`;
          const sinks: [unknown[], "allowed" | "refused"][] = [
            [["fetch", home], "allowed"],
            [["fetch", redirect(`${home}/there`)], "allowed"],
            [["fetch", `${away}/direct`], "refused"],
            [["fetch", redirect(`${away}/redirected`)], "refused"],
            [["storage", "put", "k", 1], "allowed"],
            [["storage", "delete", "k"], "allowed"],
            [["userStorage", "batch", [{ do: "put", key: "k", value: 1 }]], "allowed"],
            [["publish", "said", 1], "allowed"],
            [["publish", "kept", 1], "allowed"],
            [["config"], "allowed"],
            [["schedules"], "allowed"],
            [["schedule", "later"], "refused"],
            [["unschedule", "later"], "refused"],
            [["readFile", join(folder, "a.txt")], "allowed"],
            [["writeFile", join(folder, "a.txt")], "refused"],
            [["update", "contacts", "1", { name: "Ann" }], "refused"],
            [["log", "a line"], "refused"],
          ];
          const [writeFile] = sinks.flatMap(([step]) => (step[0] === "writeFile" ? [step] : []));
          const before = await run([writeFile, ...sinks.map(([step]) => step)]);
          assert.deepEqual(
            before.filter((each) => (each as { code?: string } | null)?.code !== undefined),
            [],
            "before",
          );
          assert.deepEqual(
            received.splice(0).filter((each) => each.startsWith("127")),
            ["127.0.0.1 GET /direct", "127.0.0.1 GET /redirected"],
          );
          const expectAll = (answers: unknown[], when: string): void => {
            for (const [index, [step, expected]] of sinks.entries()) {
              if (step[0] === "log") continue;
              const isRefused = (answers[index] as { code?: string } | null)?.code === DENIED.code;
              assert.equal(isRefused ? "refused" : "allowed", expected, `${when}: ${JSON.stringify(step)}`);
            }
          };
          const labels: unknown[] = [];
          const [ann, ...after] = await run([READ, ...sinks.map(([step]) => step)], {
            onLabel: (hosts) => labels.push(hosts),
          });
          assert.equal((ann as { name: string }).name, "Ann");
          expectAll(after, "after");
          assert.deepEqual(
            received.splice(0).filter((each) => each.startsWith("127")),
            [],
          );
          assert.deepEqual(labels, [["localhost"]]);

          const next = await run(sinks.filter(([step]) => !String(step[0]).includes("torage")).map(([step]) => step));
          const refused = next.filter((each) => (each as { code?: string } | null)?.code === DENIED.code).length;
          assert.equal(refused, level === "strict" ? 0 : 6);
          const told = lines.map(({ text, label }) => [text.split(":")[0], label?.mayLeaveTo]);
          const withheld = ["lines are withheld from here on", ["localhost"]];
          assert.deepEqual(told[0], ["a line", undefined]);
          assert.deepEqual(told.slice(1), [withheld]);
        },
        { engines: [engineOf(level)], onLog: (line) => lines.push(line) },
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

test("unloading recycles: nothing of the label is left with the instance", () =>
  withLab(
    (port) => [labPlugin({ permissions: [dataRight(), networkRight(port)] })],
    async ({ host, run, port }) => {
      const send = [["fetch", `http://localhost:${port}/`], ["count"]];
      assert.deepEqual(await run([READ, ...send]).then(([, ...rest]) => rest), [DENIED, 1]);
      assert.deepEqual(await run(send), [DENIED, 2]);
      await host.unload("acme.demo");
      assert.deepEqual(await run(send), [204, 1]);
    },
  ));

test("an instance that is lost takes its label along, and no other one's", () =>
  withLab(
    (port) => [labPlugin({ permissions: [dataRight(), networkRight(port)] })],
    async ({ host, run, port }) => {
      const send = [["fetch", `http://localhost:${port}/`]];
      await run([READ]);
      await run([READ], { caller: "bob" });
      assert.deepEqual(await run(send), [DENIED]);
      assert.deepEqual(await run(send, { caller: "cleo" }), [204]);
      await host.disable("acme.demo");
      await host.enable("acme.demo");
      assert.deepEqual(await run(send), [204]);
      assert.deepEqual(await run(send, { caller: "bob" }), [204]);
    },
  ));

test("several reads leave what all of them allow", () =>
  withLab(
    (port) => [
      labPlugin({
        permissions: [
          dataRight({ entities: ["contacts"], mayLeaveTo: ["localhost", "*.example.com"] }),
          dataRight({ entities: ["notes"], mayLeaveTo: ["127.0.0.1", "api.example.com"] }),
          networkRight(port),
        ],
      }),
    ],
    async ({ run, port }) => {
      const heard: unknown[] = [];
      const onLabel = (hosts: readonly string[]): unknown => heard.push(hosts);
      const send = [["fetch", `http://localhost:${port}/`]];
      assert.deepEqual(await run([READ, ...send], { onLabel }).then((all) => all.slice(1)), [204]);
      assert.deepEqual(await run([["get", "notes", "n"], ...send], { onLabel }).then((all) => all.slice(1)), [DENIED]);
      assert.deepEqual(heard, [["*.example.com", "localhost"], ["api.example.com"]]);
    },
  ));

test("a permission that is taken back stops reading; what was read keeps its label", async () => {
  let takeBack: () => Promise<unknown> = () => Promise.resolve();
  const records = providerOf();
  await withLab(
    (port) => [labPlugin({ permissions: [toLocalhost, networkRight(port)] })],
    async ({ host, run, port }) => {
      takeBack = () => host.revoke("acme.demo", "user_data_access");
      const steps = [
        ["get", "notes", "n"],
        READ,
        ["fetch", `http://localhost:${port}/`],
        ["fetch", `http://127.0.0.1:${port}/`],
      ];
      assert.deepEqual(await run(steps), [{ text: "hello" }, { code: "BROKER_DENIED" }, 204, DENIED]);
      // Who may read no more need not be alone: the instance that was is not called again.
      assert.deepEqual(await run([["fetch", `http://127.0.0.1:${port}/`], ["count"]]), [204, 1]);
    },
    {
      userData: {
        async read(query, scope) {
          const found = await records.read?.(query, scope);
          await takeBack();
          return found;
        },
      },
    },
  );
});

test("what is stored comes back with its label, in the area that it was stored in, also after a restart", () => {
  const plugin = (port: number): Uint8Array =>
    labPlugin({ level: "strict", permissions: [dataRight({ mayLeaveTo: ["127.0.0.1"] }), networkRight(port)] });
  return withLab(
    (port) => [plugin(port)],
    async ({ host, run, port, dataDir }) => {
      const send = ["fetch", `http://localhost:${port}/`];
      const touch: unknown[][] = [
        ["storage", "get", "k"],
        ["storage", "get", "nothing there"],
        ["storage", "list"],
        ["storage", "delete", "nothing there"],
        ["storage", "put", "other", 1],
        ["storage", "compareAndSet", "k", 8, 9],
      ];
      for (const each of touch) assert.equal((await run([each, send]))[1], 204, `before: ${JSON.stringify(each)}`);
      await run([READ, ["storage", "put", "k", "Ann"]]);
      for (const each of touch) assert.deepEqual((await run([each, send]))[1], DENIED, JSON.stringify(each));
      for (const method of ["get", "list"])
        assert.equal((await run([["userStorage", method, ...(method === "get" ? ["k"] : [])], send]))[1], 204);
      await run([READ, ["userStorage", "delete", "k"]]);
      assert.deepEqual((await run([["userStorage", "get", "k"], send]))[1], DENIED, "a deletion tells something too");
      assert.equal((await run([["userStorage", "get", "k"], send], { caller: "bob" }))[1], 204);
      await host.close();
      const again = await openHost<string>({
        dataDir,
        engines: [engineOf("strict")],
        partitionOf: (user) => user,
        policy: { privateHosts: ["localhost"] },
      });
      try {
        const labels: unknown[] = [];
        const answers = await runSteps(again, [["storage", "get", "k"], send], {
          onLabel: (hosts) => labels.push(hosts),
        });
        assert.deepEqual(answers, ["Ann", DENIED]);
        assert.deepEqual(labels, [["127.0.0.1"]]);
        await again.uninstall("acme.demo");
        await install(again, plugin(port));
        assert.equal(
          (await runSteps(again, [["storage", "get", "k"], send]))[1],
          204,
          "uninstalling erases labels too",
        );
      } finally {
        await again.close();
      }
    },
    { engines: [engineOf("strict")] },
  );
});

test("a call of another plugin carries the label there, and the answer carries it back", () =>
  withLab(
    (port) =>
      [
        labPlugin({
          id: "acme.reader",
          permissions: [dataRight(), networkRight(port)],
        }),
        labPlugin({
          id: "acme.outer",
          dependencies: { "acme.reader": "^1.0.0", "acme.sender": "^1.0.0" },
          permissions: [
            dataRight(),
            networkRight(port),
            servicesRight({ plugins: { actions: ["acme.reader/*", "acme.sender/*"], perHour: 1_000 } }),
          ],
        }),
        labPlugin({ id: "acme.sender", permissions: [networkRight(port)] }),
      ].toSorted((a, b) => (a.length < b.length ? -1 : 1)),
    async ({ host, run, port }) => {
      const send = ["fetch", `http://localhost:${port}/`];
      const outer = { plugin: "acme.outer" };
      assert.deepEqual(await run([["call", "acme.sender", "run", [send]], send], outer), [[204], 204]);
      const labels: unknown[] = [];
      // The answer labels whoever gets it, which has read nothing itself; and so the callee of its next call.
      assert.deepEqual(
        await run([["call", "acme.reader", "run", [["nothing"], READ]], send, ["call", "acme.sender", "run", [send]]], {
          ...outer,
          onLabel: (hosts) => labels.push(hosts),
        }).then(([, ...rest]) => rest),
        [DENIED, [DENIED]],
      );
      assert.deepEqual(labels, [[]]);
      assert.deepEqual(await run([send], { plugin: "acme.sender" }), [DENIED], "it is still in its memory");
      for (const id of ["acme.reader", "acme.outer", "acme.sender"]) await host.unload(id);
      assert.deepEqual(
        await run([["call", "acme.reader", "run", [READ, ["fail", "Ann"]]], send], outer),
        [{ code: "BROKER_CALLEE_FAILED" }, DENIED],
        "an error is an answer too",
      );
    },
  ));

test("an event carries the label to whoever hears it, and a handler that takes none gets none", async () => {
  const subscriptions = { "acme.demo/kept": { action: "hear" }, "acme.demo/said": { action: "hear" } };
  const subscribe = ["acme.demo/said", "acme.demo/kept"];
  await withLab(
    (port) => [
      labPlugin({
        permissions: [
          toLocalhost,
          networkRight(port),
          servicesRight({ events: { publish: ["acme.demo/*"], subscribe: [], perHour: 1_000 } }),
        ],
      }),
      labPlugin({
        id: "acme.hears",
        subscriptions,
        permissions: [networkRight(port), servicesRight({ events: { publish: [], subscribe, perHour: 1_000 } })],
      }),
    ],
    async ({ host, run, port, received, dataDir }) => {
      const heard: unknown[] = [];
      await host.events.subscribe("acme.demo/kept", () => void heard.push("no label"), { name: "plain" });
      await host.events.subscribe(
        "acme.demo/kept",
        ({ value, label }) => {
          heard.push([(value as { n: number }).n, label?.mayLeaveTo]);
        },
        { name: "careful", takesLabelled: true },
      );
      const steps = [
        ["fetch", `http://127.0.0.1:${port}/away`],
        ["fetch", `http://localhost:${port}/home`],
      ];
      await run([["publish", "kept", { n: 1 }]]);
      await run([READ, ["publish", "kept", { n: 2, steps }]]);
      await until(() => heard.length === 3);
      assert.deepEqual(sorted(heard), sorted([[1, undefined], [2, ["localhost"]], "no label"]));
      await until(() => received.length > 0);
      assert.deepEqual(received, ["localhost GET /home"]);
      await until(async () => (await host.events.deadLetters()).length > 0);
      const [dead] = await host.events.deadLetters();
      assert.equal(dead?.subscriber, "app:plain");
      assert.match(dead?.reason ?? "", /^BROKER_LABEL_DENIED/);

      // Durable, and the program ends before it is handled: the label is on disk with it.
      await host.disable("acme.hears");
      await run([
        ["publish", "kept", { n: 3, steps }],
        ["publish", "kept", { n: 4, fail: "Ann's address" }],
      ]);
      await host.close();
      received.length = 0;
      const again = await openHost<string>({
        dataDir,
        engines: [isolate()],
        partitionOf: (user) => user,
        policy: { privateHosts: ["localhost", "127.0.0.1"] },
      });
      try {
        await again.enable("acme.hears");
        await until(() => received.length > 0);
        assert.deepEqual(received, ["localhost GET /home"]);
        const failed = async (): Promise<JournalEntry | undefined> =>
          (await again.journal()).find(({ outcome }) => outcome === "SANDBOX_PLUGIN_THREW");
        await until(async () => (await failed()) !== undefined);
        assert.deepEqual((await failed())?.label, { mayLeaveTo: ["localhost"] });
      } finally {
        await again.close();
      }
    },
  );
});

test("whether a key was used by labelled events is told to nobody without the label", () =>
  withLab(
    () => [
      labPlugin({
        level: "strict",
        permissions: [
          dataRight(),
          servicesRight({ events: { publish: ["acme.demo/*"], subscribe: [], perHour: 1_000 } }),
        ],
      }),
    ],
    async ({ run }) => {
      const publish = (value: number): unknown[] => ["publish", "kept", value, { key: "k" }];
      assert.deepEqual((await run([READ, publish(1), publish(1)])).slice(1), [true, false]);
      assert.deepEqual(await run([publish(2), publish(2)]), [true, false]);
    },
    { engines: [engineOf("strict")] },
  ));

test("kept answers of calls and of effects keep their labels", () =>
  withLab(
    (port) => [
      labPlugin({ id: "acme.reader", level: "strict", permissions: [dataRight()] }),
      labPlugin({
        level: "strict",
        effect: "idempotent",
        dependencies: { "acme.reader": "^1.0.0" },
        permissions: [
          dataRight(),
          networkRight(port),
          servicesRight({ plugins: { actions: ["acme.reader/*"], perHour: 1_000 } }),
        ],
      }),
    ],
    async ({ host, run, port }) => {
      const labels: unknown[] = [];
      const onLabel = (hosts: readonly string[]): unknown => labels.push(hosts);
      const twice = [1, 2].map(() => run([READ], { plugin: "acme.reader", key: "one", onLabel }));
      const [first, second] = await Promise.all(twice);
      assert.deepEqual(first, second);
      await run([READ], { plugin: "acme.reader", key: "one", onLabel });
      assert.deepEqual(labels, [[], [], []]);

      const send = ["fetch", `http://localhost:${port}/`];
      const steps = [["call", "acme.reader", "again", [READ]], send, ["fail", "on purpose"]];
      const before = await host.journal({ pluginId: "acme.reader" });
      for (const _attempt of [1, 2])
        await assert.rejects(run(steps, { key: "two", onLabel }), { code: "SANDBOX_PLUGIN_THREW" });
      const after = await host.journal({ pluginId: "acme.reader" });
      assert.equal(callsIn(after) - callsIn(before), 1, "the second one got the kept answer");
      assert.deepEqual(labels.slice(3), [[], []], "an error is an answer too");
      const denials = await host.journal({ pluginId: "acme.demo" });
      const refused = denials.filter(({ kind, outcome }) => kind === "denial" && outcome === DENIED.code);
      assert.equal(
        refused.reduce((sum, { count }) => sum + count, 0),
        2,
      );
    },
    { engines: [engineOf("strict")] },
  ));

test("a WebAssembly plugin that is called with labelled data sends it only where that may go", () => {
  const kit = readFileSync(new URL("../../../../engines/wasm/test/fixtures/extism-kit.wasm", import.meta.url));
  const any = { input: true, output: true };
  return withLab(
    (port) => [
      makePackage({
        id: "acme.kit",
        entry: { path: "plugin.wasm", bytes: kit },
        manifest: {
          runtime: { kind: "wasm", entry: "plugin.wasm" },
          permissions: [networkRight(port)],
          contributes: { actions: { asksHttp: any } },
        },
      }),
      labPlugin({
        dependencies: { "acme.kit": "^1.0.0" },
        permissions: [
          toLocalhost,
          networkRight(port),
          servicesRight({ plugins: { actions: ["acme.kit/asksHttp"], perHour: 1_000 } }),
        ],
      }),
    ],
    async ({ run, port, received }) => {
      const ask = (host: string): unknown[] => [
        "call",
        "acme.kit",
        "asksHttp",
        { url: `http://${host}:${port}/`, method: "POST" },
      ];
      assert.equal(((await run([ask("127.0.0.1")]))[0] as { status: number }).status, 204);
      received.length = 0;
      const [, home, away] = await run([READ, ask("localhost"), ask("127.0.0.1")]);
      assert.equal((home as { status: number }).status, 204);
      assert.deepEqual(away, { code: "BROKER_CALLEE_FAILED" });
      assert.deepEqual(received, ["localhost POST /"]);
    },
    { engines: [isolate(), wasm()] },
  );
});

test("an embedding program that says so gets labelled lines and writes, with their labels", async () => {
  const lines: PluginLogLine[] = [];
  const written: unknown[] = [];
  await withLab(
    () => [labPlugin({ permissions: [dataRight({ verbs: ["read", "update"], mayLeaveTo: ["localhost"] })] })],
    async ({ run }) => {
      const update = ["update", "contacts", "1", { name: "Bob" }];
      assert.deepEqual(
        (await run([update, READ, update, ["log", "Ann"]])).filter((_, index) => index !== 1),
        [null, null, null],
      );
      assert.deepEqual(written, [undefined, ["localhost"]]);
      assert.deepEqual(
        lines.map(({ text, level, label }) => [text, level, label?.mayLeaveTo]),
        [["Ann", "warn", ["localhost"]]],
      );
    },
    {
      onLog: (line) => lines.push(line),
      logTakesLabelled: true,
      userData: {
        ...providerOf(makeRecords()),
        takesLabelled: true,
        async update({ label }) {
          written.push(label?.mayLeaveTo);
        },
      },
    },
  );
});

test("the journal marks what was noted while a plugin had labelled data", () =>
  withLab(
    (port) => [labPlugin({ permissions: [toLocalhost, networkRight(port)] })],
    async ({ host, run, port }) => {
      await run([["fetch", `http://localhost:${port}/`]]);
      await run([READ, ["fetch", `http://localhost:${port}/`], ["fetch", `http://127.0.0.1:${port}/`]]);
      const entries = await host.journal({ pluginId: "acme.demo" });
      const marks = (kind: string): unknown[] =>
        entries.filter((entry) => entry.kind === kind).map(({ subject, label }) => [subject, label?.mayLeaveTo]);
      assert.deepEqual(marks("call"), [
        ["run", ["localhost"]],
        ["run", undefined],
      ]);
      assert.deepEqual(marks("denial"), [["network.fetch", ["localhost"]]]);
      assert.deepEqual(
        sorted(marks("use")),
        sorted([
          ["network_restricted", undefined],
          ["network_restricted", ["localhost"]],
          ["user_data_access", undefined],
        ]),
      );
    },
  ));

const callsIn = (entries: readonly { readonly kind: string; readonly count: number }[]): number =>
  entries.filter(({ kind }) => kind === "call").reduce((sum, { count }) => sum + count, 0);

const sorted = (items: readonly unknown[]): unknown[] =>
  items.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

/** Waits for a condition; the test's own time limit ends a wait that is in vain. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => void setTimeout(resolve, 5));
}
