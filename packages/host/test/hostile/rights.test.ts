import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import test from "node:test";

import type { Host, HostOptions, PermissionAnswer, PermissionQuestion } from "@berth/host";
import { statedPermissionSchema } from "@berth/spec";

import { until } from "../clock.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
const CODE = `
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
  var berthPlugin = { actions: {
  async see(name, ctx) { try { return await ctx.secrets.reveal(name); } catch (error) { return error.code; } },
  async seeLate(name, ctx) {
    await ctx.storage.put("begun", true);
    while ((await ctx.storage.get("go")) !== true) await pause();
    try { return await ctx.secrets.reveal(name); } catch (error) { return error.code; }
  },
  begun: async (value, ctx) => (await ctx.storage.get("begun")) === true,
  go: (value, ctx) => ctx.storage.put("go", true),
  async fetch(url, ctx) { try { return (await ctx.fetch(url)).status; } catch (error) { return error.code; } },
  async call([id, action, input], ctx) {
    try { return await ctx.plugins.call(id, action, input); } catch (error) { return error.code; }
  },
  async schedule(definition, ctx) {
    try { await ctx.schedules.set("later", definition); return "set"; } catch (error) { return error.code; }
  },
} };`;
const actions = Object.fromEntries(
  ["see", "seeLate", "begun", "go", "fetch", "call", "schedule"].map((name) => [name, any]),
);

const secret = { name: "secrets_access", names: ["one"], reveal: true };
const withSecret = { secrets: ["one"], permissions: [{ ...secret, reason: "to test" }] };
const made = (manifest: object, more: { id?: string; version?: string } = {}): Uint8Array =>
  makePackage({ code: CODE, ...more, manifest: { contributes: { actions }, ...manifest } });

/** A server, and a plugin with a right to it. */
async function withServer(
  handler: (request: IncomingMessage, response: ServerResponse) => void,
  work: (host: Host<string>, fetch: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const server = createServer(handler);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const network = { name: "network_restricted", hosts: ["127.0.0.1"], ports: [port], reason: "to test" };
  try {
    await withHost(
      async (host) => {
        await install(host, made({ permissions: [network] }));
        await work(host, () => host.call("acme.demo", "fetch", `http://127.0.0.1:${port}/`));
      },
      { policy: { privateHosts: ["127.0.0.1"] } },
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

for (const [where, answer] of [
  ["before its answer", () => undefined],
  ["in the middle of its answer", (response: ServerResponse) => void response.writeHead(200).write("one half")],
] as const) {
  test(`a request that is under way ends ${where} when its right is taken back`, async () => {
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    await withServer(
      (_request, response) => {
        response.once("close", gone.resolve);
        answer(response);
        arrived.resolve();
      },
      async (host, fetch) => {
        const answered = fetch();
        await arrived.promise;
        await host.revoke("acme.demo", "network_restricted");
        assert.equal(await answered, "BROKER_DENIED");
        await gone.promise;
        assert.ok(
          (await host.journal()).some(
            ({ kind, subject }) => kind === "denial" && subject?.startsWith("network") === true,
          ),
        );
      },
    );
  });
}

/** The plugin with an optional secret, and a person whose answers are given one by one. */
async function withPerson(
  work: (
    see: (caller: string, name?: string) => Promise<unknown>,
    asked: { readonly question: PermissionQuestion; readonly answer: (answer: PermissionAnswer) => void }[],
    begun: (caller: string) => Promise<unknown>,
  ) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const asked: { question: PermissionQuestion; answer: (answer: PermissionAnswer) => void }[] = [];
  await withHost(
    async (host) => {
      const permissions = ["one", "two"].map((name) => ({
        ...secret,
        names: [name],
        optional: true,
        reason: "to test",
      }));
      const plan = await host.plan(made({ secrets: ["one", "two"], permissions }));
      await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
      await host.setSecret("acme.demo", "one", "first");
      await host.setSecret("acme.demo", "two", "second");
      await work(
        (caller, name = "one") => host.call("acme.demo", "see", name, { caller }),
        asked,
        (caller) => host.call("acme.demo", "begun", null, { caller }),
      );
    },
    {
      askPermission: (question) => new Promise((answer) => asked.push({ question, answer })),
      ...options,
    },
  );
}

test("what a person allows for one call is for no call of another partition at the same moment", () =>
  withPerson(async (see, asked, begun) => {
    const anna = see("anna");
    await until(() => asked.length === 1);
    const bert = see("bert");
    // His question came before this.
    await begun("bert");
    assert.deepEqual(
      asked.map(({ question }) => question.partition),
      ["anna", "bert"],
    );
    asked[0]?.answer("once");
    assert.equal(await anna, "first");
    asked[1]?.answer("never");
    assert.equal(await bert, "BROKER_DENIED");
  }));

test("what a person allows for one call is for no other call that waits for the same answer", () =>
  withPerson(async (see, asked, begun) => {
    const first = see("anna");
    await until(() => asked.length === 1);
    const second = see("anna");
    await begun("anna");
    assert.equal(asked.length, 1);
    asked[0]?.answer("once");
    assert.equal(await first, "first");
    await until(() => asked.length === 2);
    asked[1]?.answer("never");
    assert.equal(await second, "BROKER_DENIED");
  }));

test("a plugin that asks for everything at once is heard one question at a time", () =>
  withPerson(async (see, asked, begun) => {
    const answers = [see("anna", "one"), see("anna", "two")];
    await until(() => asked.length === 1);
    await begun("anna");
    assert.equal(asked.length, 1);
    asked[0]?.answer("never");
    await until(() => asked.length === 2);
    asked[1]?.answer("session");
    assert.deepEqual(await Promise.all(answers), ["BROKER_DENIED", "second"]);
  }));

test("nobody is asked for what the caller may not do", () =>
  withPerson(
    async (see, asked) => {
      assert.equal(await see("anna"), "BROKER_DENIED");
      assert.equal(asked.length, 0);
    },
    { rightsOf: () => [] },
  ));

test("a plugin that was called cannot get round its caller's rights with a schedule", () =>
  withHost(async (host) => {
    await install(host, made(withSecret, { id: "acme.bb" }));
    const mayCall = { name: "platform_services", plugins: { actions: ["acme.bb/*"] }, reason: "to test" };
    await install(host, made({ permissions: [mayCall], dependencies: { "acme.bb": "*" } }, { id: "acme.aa" }));
    const later = { cron: "* * * * *", action: "see", input: "one" };
    assert.equal(await host.call("acme.aa", "call", ["acme.bb", "schedule", later]), "BROKER_DENIED");
    assert.deepEqual(await host.schedules(), []);
    assert.equal(await host.call("acme.bb", "schedule", later), "set");
  }));

test("code of the release before gets none of the rights of the release that takes its place", () =>
  withHost(async (host) => {
    await install(host, made({ secrets: ["one"] }));
    await host.setSecret("acme.demo", "one", "first");
    const late = host.call("acme.demo", "seeLate", "one");
    await until(async () => (await host.call("acme.demo", "begun", null)) === true);
    await install(host, made(withSecret, { version: "1.1.0" }));
    assert.equal(await host.call("acme.demo", "see", "one"), "first");
    await host.call("acme.demo", "go", null);
    assert.equal(await late, "BROKER_DENIED");
  }));

test("a caller that got lost, and rights that are none, are refused instead of being allowed everything", async () => {
  const none = undefined as unknown as string;
  await withHost(
    async (host) => {
      await install(host, made(withSecret));
      await host.setSecret("acme.demo", "one", "first");
      const refused = { code: "HOST_CALLER_INVALID" };
      await assert.rejects(host.call("acme.demo", "see", "one", { caller: none }), refused);
      await assert.rejects(host.callBytes("acme.demo", "see", Buffer.from('"one"'), { caller: none }), refused);
      await assert.rejects(host.events.publish("tick", 1, { caller: none }), refused);
      await assert.rejects(host.call("acme.demo", "see", "one", { caller: "stranger" }), refused);
      assert.equal(await host.call("acme.demo", "see", "one", { caller: "anna" }), "first");
      assert.equal(await host.call("acme.demo", "see", "one"), "first");
    },
    {
      rightsOf: (user) => (user === "anna" ? [statedPermissionSchema.parse(secret)] : (undefined as never)),
      events: { tick: { payload: true } },
    },
  );
});
