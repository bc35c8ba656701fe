import assert from "node:assert/strict";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host, HostOptions, PermissionAnswer, PermissionQuestion } from "@berth/host";
import { statedPermissionSchema } from "@berth/spec";
import type { Permission } from "@berth/spec";

import { makePackage, withHost } from "../fixture.ts";

const any = { input: true, output: true };
/** `see` answers with the secret, or with who denied it and why. */
const CODE = `var berthPlugin = { actions: {
  async see(name, ctx) {
    try { return { value: await ctx.secrets.reveal(name) }; }
    catch (error) { return { code: error.code, ...error.details }; }
  },
  async seeTwice(name, ctx) {
    const answers = [];
    for (let i = 0; i < 2; i++) { try { answers.push(await ctx.secrets.reveal(name)); } catch (error) { answers.push(error.code); } }
    return answers;
  },
  async seeAll(names, ctx) {
    const answers = [];
    for (const name of names) { try { answers.push(await ctx.secrets.reveal(name)); } catch (error) { answers.push(error.code); } }
    return answers;
  },
  async has(permission, ctx) { return ctx.permissions.has(permission); },
} };`;

const secrets = (names: string[], more: object = {}): object => ({
  name: "secrets_access",
  names,
  reveal: true,
  reason: "to test",
  ...more,
});
const permissionOf = (...names: string[]): Permission =>
  statedPermissionSchema.parse({ name: "secrets_access", names, reveal: true });

async function withSecrets(
  permissions: object[],
  work: (
    host: Host<string>,
    see: (name: string, caller?: string) => Promise<unknown>,
    dataDir: string,
  ) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  await withHost(async (host, dataDir) => {
    const plan = await host.plan(
      makePackage({
        code: CODE,
        manifest: {
          permissions,
          secrets: ["one", "two"],
          contributes: { actions: { see: any, seeTwice: any, seeAll: any, has: any } },
        },
      }),
    );
    const required = plan.permissions.filter(({ isOptional }) => !isOptional);
    await host.install(plan, { grant: required.map(({ permission }) => permission), trustKey: plan.signer.keyId });
    await host.setSecret("acme.demo", "one", "first");
    await host.setSecret("acme.demo", "two", "second");
    const see = (name: string, caller?: string): Promise<unknown> =>
      host.call("acme.demo", "see", name, caller === undefined ? {} : { caller });
    await work(host, see, dataDir);
  }, options);
}

const denial = (term: string, parameter?: string): object => ({
  code: "BROKER_DENIED",
  term,
  permission: "secrets_access",
  ...(parameter !== undefined && { parameter }),
});

test("a denial names the party, the permission and the parameter", async () => {
  await withSecrets([secrets(["one"])], async (host, see) => {
    assert.deepEqual(await see("one"), { value: "first" });
    assert.deepEqual(await see("two"), denial("manifest", "names"));
    await host.revoke("acme.demo", "secrets_access");
    assert.deepEqual(await see("one"), denial("grant"));
    const entries = (await host.journal()).filter(({ kind }) => kind === "denial" || kind === "revoke");
    assert.deepEqual(
      entries.map(({ kind, subject }) => `${kind} ${subject}`),
      ["denial secrets.reveal secrets_access", "revoke secrets_access", "denial secrets.reveal secrets_access.names"],
    );
  });
  await withSecrets([secrets(["one"], { reveal: false })], async (_host, see) => {
    assert.deepEqual(await see("one"), denial("manifest", "reveal"));
  });
  await withSecrets(
    [secrets(["one", "two"])],
    async (_host, see) => {
      assert.deepEqual(await see("one"), { value: "first" });
      assert.deepEqual(await see("two"), denial("policy", "names"));
    },
    { policy: { ceilings: [{ name: "secrets_access", names: ["one"], reveal: true }] } },
  );
  await withSecrets(
    [secrets(["one", "two"])],
    async (_host, see) => {
      assert.deepEqual(await see("one", "anna"), { value: "first" });
      assert.deepEqual(await see("two", "anna"), denial("caller", "names"));
      assert.deepEqual(await see("one", "bert"), denial("caller"));
      assert.deepEqual(await see("two"), { value: "second" });
    },
    { rightsOf: (user) => (user === "anna" ? [permissionOf("one")] : []) },
  );
});

test("rules of a policy are for the plugins that they name", () =>
  withSecrets(
    [secrets(["one", "two"])],
    async (_host, see) => {
      assert.deepEqual(await see("one"), { value: "first" });
      assert.deepEqual(await see("two"), denial("policy", "names"));
    },
    {
      policy: {
        rules: [
          { plugins: ["acme.*"], ceilings: [{ name: "secrets_access", names: ["one"], reveal: true }] },
          { plugins: ["acme-two.*"], deny: ["secrets_access"] },
        ],
      },
    },
  ));

for (const [answer, expected] of [
  ["once", [["first", "first"], 2]],
  ["session", [["first", "first"], 1]],
  ["always", [["first", "first"], 1]],
  ["never", [["BROKER_DENIED", "BROKER_DENIED"], 1]],
] as const) {
  test(`an optional permission is asked for when first needed; "${answer}" holds as long as it says`, async () => {
    const questions: PermissionQuestion[] = [];
    const ask = async (question: PermissionQuestion): Promise<PermissionAnswer> => {
      questions.push(question);
      await new Promise((resolve) => setTimeout(resolve, 20));
      return answer;
    };
    await withSecrets(
      [secrets(["one"], { optional: true })],
      async (host, _see, dataDir) => {
        assert.equal(questions.length, 0);
        assert.deepEqual(await host.call("acme.demo", "seeTwice", "one"), expected[0]);
        assert.deepEqual(await host.call("acme.demo", "seeTwice", "one"), expected[0]);
        assert.equal(questions.length, expected[1]);
        assert.match(questions[0]?.text ?? "", /see the secrets one/);
        assert.equal((await host.grants("acme.demo")).length, answer === "always" ? 1 : 0);
        await host.close();
        const again = await openHost<string>({ dataDir, engines: [isolate()], askPermission: ask });
        await again.call("acme.demo", "seeTwice", "one");
        assert.equal(questions.length > expected[1], answer !== "always", "the session is over");
        await again.close();
      },
      { askPermission: ask },
    );
  });
}

test("what a person allowed for the session is taken back like a grant", async () => {
  let asked = 0;
  await withSecrets(
    [secrets(["one"], { optional: true })],
    async (host, see) => {
      assert.deepEqual(await see("one"), { value: "first" });
      assert.deepEqual(await host.revoke("acme.demo", "secrets_access"), [permissionOf("one")]);
      assert.deepEqual(await see("one"), denial("grant"));
      const revoked = (await host.journal()).filter(({ kind }) => kind === "revoke");
      assert.deepEqual(
        revoked.map(({ subject }) => subject),
        ["secrets_access"],
      );
    },
    { askPermission: async () => ((asked += 1) === 1 ? "session" : "never") },
  );
});

test("what a person allowed for one call ends with a revocation during that call", async () => {
  const hosts: Host<string>[] = [];
  let asked = 0;
  await withSecrets(
    [secrets(["one"], { optional: true }), secrets(["two"], { optional: true })],
    async (host) => {
      hosts.push(host);
      const answers = await host.call("acme.demo", "seeAll", ["one", "one", "two", "one"]);
      assert.deepEqual(answers, ["first", "first", "BROKER_DENIED", "BROKER_DENIED"]);
    },
    {
      askPermission: async () => {
        asked += 1;
        if (asked === 2) await hosts[0]?.revoke("acme.demo", "secrets_access");
        return asked === 1 ? "once" : "never";
      },
    },
  );
});

test("calls at the same moment ask a person once", async () => {
  let asked = 0;
  await withSecrets(
    [secrets(["one"], { optional: true })],
    async (_host, see) => {
      const answers = await Promise.all(Array.from({ length: 5 }, () => see("one")));
      assert.deepEqual(answers, Array(5).fill({ value: "first" }));
      assert.equal(asked, 1);
    },
    {
      askPermission: async () => {
        asked += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
        return "session";
      },
    },
  );
});

test("with nobody there to ask, the plugin is denied and the request waits for a person", () =>
  withSecrets(
    [secrets(["one"], { optional: true })],
    async (host, see, dataDir) => {
      assert.deepEqual(await see("one"), denial("grant"));
      await see("one");
      const [request, ...others] = await host.permissionRequests();
      assert.deepEqual(
        [request?.pluginId, request?.action, request?.reason, others.length],
        ["acme.demo", "see", "to test", 0],
      );
      await host.close();
      const again = await openHost<string>({ dataDir, engines: [isolate()], policy: { isUnattended: true } });
      const [kept] = await again.permissionRequests();
      assert.ok(kept);
      await again.grant(kept.pluginId, kept.permission);
      assert.deepEqual(await again.permissionRequests(), []);
      assert.deepEqual(await again.call("acme.demo", "see", "one"), { value: "first" });
      await again.close();
    },
    { policy: { isUnattended: true }, askPermission: async () => assert.fail("nobody is there") },
  ));

test("a grant ends at its time, and tells when it was last used", async () => {
  let now = new Date("2026-06-01T12:00:00.000Z");
  await withSecrets(
    [secrets(["one"], { optional: true })],
    async (host, see) => {
      await host.grant("acme.demo", permissionOf("one"), { expiresAt: "2026-06-01T13:00:00.000Z" });
      assert.equal((await host.grants("acme.demo"))[0]?.lastUsedAt, undefined);
      assert.deepEqual(await see("one"), { value: "first" });
      assert.equal((await host.grants("acme.demo"))[0]?.lastUsedAt, now.toISOString());
      now = new Date("2026-06-01T13:00:00.000Z");
      assert.deepEqual(await see("one"), denial("grant"));
      assert.deepEqual(await host.grants("acme.demo"), []);
      await assert.rejects(host.grant("acme.demo", permissionOf("one"), { expiresAt: "2026-06-01T12:59:00.000Z" }), {
        code: "HOST_GRANT_REFUSED",
      });
    },
    { now: () => now },
  );
});

test("the end of a grant is an instant, and is told as every other one", async () => {
  const now = new Date("2026-06-01T12:00:00.500Z");
  await withSecrets(
    [secrets(["one"], { optional: true })],
    async (host) => {
      for (const [expiresAt, told] of [
        ["2026-06-01T12:00:01Z", "2026-06-01T12:00:01.000Z"],
        ["2026-06-01T10:30:00-02:00", "2026-06-01T12:30:00.000Z"],
        ["2026-06-01T12:00:00.5009999Z", undefined],
        // The same second as text is later than the instant within it.
        ["2026-06-01T12:00:00Z", undefined],
        ["2026-06-01T13:30:00+02:00", undefined],
        ["next year", undefined],
        ["2026-06-02", undefined],
        ["2026-06-02T12:00:00", undefined],
        ["2026-13-02T12:00:00Z", undefined],
      ] as const) {
        const granted = host.grant("acme.demo", permissionOf("one"), { expiresAt });
        if (told === undefined) await assert.rejects(granted, { code: "HOST_GRANT_REFUSED" }, expiresAt);
        else {
          await granted;
          const [grant] = await host.grants("acme.demo");
          assert.deepEqual([grant?.grantedAt, grant?.expiresAt], [now.toISOString(), told]);
        }
      }
    },
    { now: () => now },
  );
});

test("grants only what the manifest asks for and the policy allows", () =>
  withSecrets(
    [secrets(["one"], { optional: true }), { name: "network_unrestricted", optional: true, reason: "x" }],
    async (host) => {
      const refused = (permission: Permission): Promise<void> =>
        assert.rejects(host.grant("acme.demo", permission), { code: "HOST_GRANT_REFUSED" });
      await refused(permissionOf("one", "two"));
      await refused(statedPermissionSchema.parse({ name: "network_unrestricted" }));
      await refused(statedPermissionSchema.parse({ name: "file_system_read", roots: ["/"] }));
      await assert.rejects(host.grant("acme.unknown", permissionOf("one")), { code: "HOST_PLUGIN_UNKNOWN" });
    },
  ));

test("what the operator grants in advance is not asked for, and goes with the policy", () =>
  withSecrets(
    [secrets(["one"], { optional: true })],
    async (host, see, dataDir) => {
      assert.deepEqual(await see("one"), { value: "first" });
      assert.equal(await host.call("acme.demo", "has", { name: "secrets_access", names: ["one"], reveal: true }), true);
      assert.equal(await host.call("acme.demo", "has", { name: "secrets_access", names: ["two"] }), false);
      await assert.rejects(host.call("acme.demo", "has", { name: "root" }), /expected a permission/);
      assert.deepEqual(await host.grants("acme.demo"), []);
      await host.close();
      const again = await openHost<string>({ dataDir, engines: [isolate()] });
      assert.deepEqual(await again.call("acme.demo", "see", "one"), denial("grant"));
      await again.close();
    },
    { policy: { grants: [{ name: "secrets_access", names: ["one"], reveal: true }] } },
  ));

test("what the policy grants tells when it was last used, plugin by plugin, over restarts and until it is erased", async () => {
  let now = new Date("2026-06-01T12:00:00.000Z");
  const [one, two] = [permissionOf("one"), permissionOf("two")];
  const policy: HostOptions<string>["policy"] = {
    grants: [one],
    rules: [
      // Said twice: it is one right all the same. The last is for what the manifest does not ask for.
      { plugins: ["acme.*"], grants: [one, two, { name: "file_system_read", roots: ["/srv"] }] },
      { plugins: ["other.*"], grants: [permissionOf("three")] },
    ],
  };
  await withSecrets(
    [secrets(["one", "two"], { optional: true })],
    async (host, see, dataDir) => {
      assert.deepEqual(await host.policyGrants("acme.demo"), [
        { permission: one, lastUsedAt: undefined },
        { permission: two, lastUsedAt: undefined },
      ]);
      assert.deepEqual(await see("two"), { value: "second" });
      const used = now.toISOString();
      const expected = [
        { permission: one, lastUsedAt: undefined },
        { permission: two, lastUsedAt: used },
      ];
      assert.deepEqual(await host.policyGrants("acme.demo"), expected);
      // What a person granted too is used by that.
      await host.grant("acme.demo", one);
      await see("one");
      assert.deepEqual(await host.policyGrants("acme.demo"), expected);
      assert.deepEqual(
        (await host.grants("acme.demo")).map(({ lastUsedAt }) => lastUsedAt),
        [used],
      );
      await assert.rejects(host.policyGrants("acme.nobody"), { code: "HOST_PLUGIN_UNKNOWN" });
      await host.close();
      now = new Date("2026-06-02T12:00:00.000Z");
      const again = await openHost<string>({ dataDir, engines: [isolate()], policy, now: () => now });
      assert.deepEqual(await again.policyGrants("acme.demo"), expected);
      assert.deepEqual(await again.call("acme.demo", "see", "two"), { value: "second" });
      assert.equal((await again.policyGrants("acme.demo"))[1]?.lastUsedAt, now.toISOString());
      // Just before the end, and so perhaps not on disk yet.
      await again.call("acme.demo", "see", "two");
      await again.uninstall("acme.demo");
      await again.close();
      const other = await openHost<string>({ dataDir, engines: [isolate()], policy: { ...policy, deny: [] } });
      const plan = await other.plan(makePackage({ manifest: { permissions: [secrets(["one"], { optional: true })] } }));
      await other.install(plan, { grant: [], trustKey: plan.signer.keyId });
      assert.ok((await other.policyGrants("acme.demo")).every(({ lastUsedAt }) => lastUsedAt === undefined));
      await other.close();
      const denying = await openHost<string>({
        dataDir,
        engines: [isolate()],
        policy: { ...policy, deny: ["secrets_access"] },
      });
      assert.deepEqual(await denying.policyGrants("acme.demo"), [], "what is denied is granted by nothing");
      await denying.close();
    },
    { policy, now: () => now },
  );
});

test("network_unrestricted is the operator's alone to give", () =>
  withHost(async (host) => {
    const wants = makePackage({ manifest: { permissions: [{ name: "network_unrestricted", reason: "x" }] } });
    await assert.rejects(host.plan(wants), { code: "HOST_POLICY_DENIES" });
  }));

test("a policy is refused by the place where it is wrong", async () => {
  for (const policy of [
    { levle: "strict" },
    { deny: ["everything"] },
    { ceilings: [{ name: "secrets_access" }] },
    { rules: [{}] },
  ])
    await assert.rejects(
      withHost(async () => undefined, { policy: policy as never }),
      { code: "HOST_POLICY_INVALID" },
    );
});
