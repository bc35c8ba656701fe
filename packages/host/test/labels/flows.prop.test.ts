// Whatever plugins that tell everything they know do, in whatever order: no sink gets a word of data that may not go there.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";

import type { UserDataProvider } from "@berth/host";
import fc from "fast-check";

import { install, makePackage, withHost } from "../fixture.ts";
import { engineOf } from "../levels.ts";
import { dataRight, networkRight, servicesRight } from "./lab.ts";

const HOSTS = ["localhost", "127.0.0.1"] as const;
/** Kinds of records, and where they may go. */
const MAY_LEAVE_TO: Readonly<Record<string, readonly string[]>> = {
  contacts: ["localhost"],
  notes: ["127.0.0.1"],
  places: ["localhost", "127.0.0.1"],
  letters: [],
};
const ENTITIES = Object.keys(MAY_LEAVE_TO);

/** Keeps everything that it ever gets in its memory, and gives all of it to whoever takes it. */
const CODE = `
  const known = new Set();
  const learn = (value) => {
    if (typeof value === "string") for (const word of value.split(" ")) known.add(word);
    else if (typeof value === "object" && value !== null) for (const each of Object.values(value)) learn(each);
  };
  const all = () => [...known].join(" ");
  const steps = {
    read: async (ctx, entity) => learn(await ctx.user.data.get(entity, "1")),
    list: async (ctx, entity) => learn(await ctx.user.data.list(entity)),
    rewrite: (ctx, entity) => ctx.user.data.update(entity, "1", { text: all() }),
    send: (ctx, url) => ctx.fetch(url, { method: "POST", body: all() }),
    put: (ctx, key) => ctx.storage.put(key, all()),
    get: async (ctx, key) => learn(await ctx.storage.get(key)),
    name: (ctx) => ctx.storage.put("name/" + all().slice(0, 200), 1),
    names: async (ctx) => learn((await ctx.storage.list()).keys.map((key) => key.replace("name/", ""))),
    userPut: (ctx, key) => ctx.user.storage.put(key, all()),
    userGet: async (ctx, key) => learn(await ctx.user.storage.get(key)),
    publish: (ctx, event) => ctx.events.publish(event, all()),
    call: async (ctx, plugin) => learn(await ctx.plugins.call(plugin, "learnAndTell", all())),
    log: async (ctx) => ctx.log.info(all()),
    schedule: (ctx) => ctx.schedules.set("later", { cron: "0 3 1 1 *", action: "run", input: all() }),
  };
  async function run(todo, ctx) {
    const codes = [];
    for (const [name, argument] of todo)
      codes.push(await steps[name](ctx, argument).then(() => "ok", (error) => error.code ?? String(error)));
    return codes;
  }
  var berthPlugin = { actions: {
    run,
    async learnAndTell(value, ctx) { learn(value); return all(); },
  } };`;

const any = { input: true, output: true };
const plugin = (id: string, permissions: readonly object[], more: object = {}): Uint8Array =>
  makePackage({
    id,
    code: CODE,
    manifest: {
      permissions,
      contributes: {
        actions: { run: any, learnAndTell: any },
        events: { said: { payload: true }, kept: { payload: true, delivery: "durable" } },
      },
      ...more,
    },
  });

type Step =
  | readonly [plugin: "acme.one" | "acme.two", caller: "ann" | "bob", todo: readonly (readonly [string, string?])[]]
  | readonly ["unload", "acme.one" | "acme.two"];

const ofOne = fc.oneof(
  fc.tuple(fc.constantFrom("read", "list", "rewrite"), fc.constantFrom(...ENTITIES)),
  fc.tuple(fc.constant("call"), fc.constant("acme.two")),
);
const ofBoth = fc.oneof(
  fc.tuple(fc.constant("send"), fc.constantFrom(...HOSTS)),
  fc.tuple(fc.constantFrom("put", "get", "userPut", "userGet"), fc.constantFrom("a", "b")),
  fc.tuple(fc.constantFrom("name", "names", "log", "schedule"), fc.constant("")),
  fc.tuple(fc.constant("publish"), fc.constantFrom("said", "kept")),
);
const caller = fc.constantFrom("ann" as const, "bob" as const);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant("acme.one" as const),
      caller,
      fc.array(fc.oneof(ofOne, ofBoth), { minLength: 1, maxLength: 5 }),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.tuple(fc.constant("acme.two" as const), caller, fc.array(ofBoth, { minLength: 1, maxLength: 4 })),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constant("unload" as const), fc.constantFrom("acme.one" as const, "acme.two" as const)),
  },
);

for (const level of ["standard", "strict"] as const) {
  test(`${level}: no sequence of reads and sinks brings data where it may not go`, async () => {
    /** Words of the records, and where they may go. */
    const words = new Map<string, readonly string[]>();
    const forbidden: string[] = [];
    /** Nothing may be in a text but words that may go to `host`; `undefined`: a sink that takes nothing labelled. */
    const look = (text: string, host: string | undefined, where: string): void => {
      for (const [word, hosts] of words)
        if (text.includes(word) && (host === undefined || !hosts.includes(host))) forbidden.push(where);
    };
    let sent = 0;
    const server = createServer((request, response) => {
      let body = request.url ?? "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        const host = request.headers.host?.split(":")[0] ?? "";
        sent += [...words.keys()].some((word) => body.includes(word)) ? 1 : 0;
        look(body, host, `sent to ${host}`);
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
    const { port } = server.address() as AddressInfo;
    const userData: UserDataProvider = {
      async read({ entity }) {
        const word = `${entity}-${randomUUID()}`;
        words.set(word, MAY_LEAVE_TO[entity] ?? []);
        return { text: word };
      },
      async list(query, scope) {
        return { records: [{ id: "1", fields: (await userData.read?.({ ...query, id: "1" }, scope)) ?? {} }] };
      },
      async update({ fields }) {
        look(String(fields["text"]), undefined, "written to records");
      },
    };
    const events = servicesRight({ events: { publish: ["acme.one/*", "acme.two/*"], subscribe: [], perHour: 10_000 } });
    const data = ENTITIES.map((entity) =>
      dataRight({ entities: [entity], verbs: ["read", "update"], purpose: entity, mayLeaveTo: MAY_LEAVE_TO[entity] }),
    );
    const call = servicesRight({ plugins: { actions: ["acme.two/*"], perHour: 10_000 } });
    const packages = [
      plugin("acme.two", [networkRight(port), events], { level }),
      plugin("acme.one", [...data, networkRight(port), events, call], {
        level,
        dependencies: { "acme.two": "^1.0.0" },
      }),
    ];
    try {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (todo) => {
          await withHost(
            async (host) => {
              for (const bytes of packages) await install(host, bytes);
              for (const topic of ["acme.one/said", "acme.one/kept", "acme.two/said", "acme.two/kept"])
                await host.events.subscribe(topic, ({ value }) => look(String(value), undefined, `heard ${topic}`));
              const goes = [
                ["read", "places"],
                ["send", `http://localhost:${port}/`],
              ];
              assert.deepEqual(await host.call("acme.one", "run", goes, { caller: "eve" }), ["ok", "ok"]);
              for (const [who, what, steps = []] of todo) {
                if (who === "unload") {
                  await host.unload(what);
                  continue;
                }
                const withUrls = steps.map(([name, argument]) =>
                  name === "send" ? [name, `http://${argument}:${port}/`] : [name, argument],
                );
                const codes = await host.call(who, "run", withUrls, { caller: what });
                for (const code of codes as string[])
                  assert.ok(["ok", "BROKER_LABEL_DENIED"].includes(code), `${code} in ${JSON.stringify(steps)}`);
              }
            },
            {
              engines: [engineOf(level)],
              policy: { privateHosts: [...HOSTS] },
              userData,
              onLog: ({ text }) => look(text, undefined, "logged"),
            },
          );
          assert.deepEqual(forbidden, []);
        }),
        { numRuns: 8 },
      );
      // Data went where it may, or this has shown nothing.
      assert.ok(sent > 0);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
}
