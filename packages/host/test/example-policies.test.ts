// The example policies of the guide, each with plugins under it: what its words promise holds.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { parsePolicy } from "@berth/host";
import type { Host, Plan } from "@berth/host";

import { key, makePackage, withHost } from "./fixture.ts";
import { whyNot } from "./levels.ts";

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  async go([name, ...args], ctx) {
    const [service, method] = name.split(".");
    try { await (method === undefined ? ctx[service](...args) : ctx[service][method](...args)); return "done"; }
    catch (error) { return [error.code, error.details?.term, error.details?.parameter].filter(Boolean).join(" "); }
  },
} };`;

const network = (more: object) => ({ name: "network_restricted", reason: "to test", ...more });
const others = [
  { name: "system_exec", commands: [{ run: ["/bin/true"] }], workingDirectory: "/srv" },
  { name: "network_unrestricted" },
  { name: "file_system_write", roots: ["/srv"] },
] as const;

interface Under {
  readonly host: Host<string>;
  readonly plan: (permissions: readonly object[], id?: string) => Promise<Plan>;
  /** Installs with consent to what is required, and says what one use of the context comes to. */
  readonly run: (permissions: readonly object[], id?: string) => Promise<(...use: unknown[]) => Promise<unknown>>;
  readonly now: { at: Date };
}

async function underPolicy(
  name: string,
  publishers: readonly string[],
  work: (under: Under) => Promise<void>,
): Promise<void> {
  const file = join(import.meta.dirname, "../../../docs/guide/policies", `${name}.json`);
  const now = { at: new Date("2026-06-01T00:00:00.000Z") };
  await withHost(
    async (host) => {
      for (const publisher of publishers) await host.trustKey(publisher, key);
      const plan: Under["plan"] = (permissions, id = "acme.demo") =>
        host.plan(
          makePackage({
            id,
            code: CODE,
            manifest: { permissions, secrets: ["ledger-token"], contributes: { actions: { go: any } } },
          }),
        );
      await work({
        host,
        now,
        plan,
        async run(permissions, id = "acme.demo") {
          const planned = await plan(permissions, id);
          const asked = planned.permissions.filter(({ isGranted }) => !isGranted).map(({ permission }) => permission);
          await host.install(planned, { grant: asked, trustKey: planned.signer.keyId });
          await host.setSecret(id, "ledger-token", "s3cret");
          return (...use) => host.call(id, "go", use);
        },
      });
    },
    { policy: parsePolicy(readFileSync(file)), now: () => now.at, askPermission: async () => "session" },
  );
}

/** What a permission that the policy denies comes to, asked for or merely offered. */
async function verifyDenied({ plan }: Under, permission: object): Promise<void> {
  await assert.rejects(plan([{ reason: "to test", ...permission }]), { code: "HOST_POLICY_DENIES" });
  const offered = await plan([{ reason: "to test", optional: true, ...permission }]);
  assert.equal(offered.permissions[0]?.isDeniedByPolicy, true);
}

/** No such name answers: whoever gets that far had every right. */
const SENT = "BROKER_NETWORK_FAILED";

test("laptop: keys are taken on first use, commands and the open network are nobody's, consent ends after half a year", () =>
  underPolicy("laptop", [], async (under) => {
    const { host, plan, run, now } = under;
    for (const denied of others.slice(0, 2)) await verifyDenied(under, denied);
    const planned = await plan([]);
    assert.deepEqual([planned.level, planned.signer.status], ["standard", "first-use"]);
    const go = await run([network({ hosts: ["a.example"] }), { ...others[2], reason: "to test", optional: true }]);
    assert.equal(await go("fetch", "https://a.example/"), SENT);
    assert.equal(await go("fetch", "https://b.example/"), "BROKER_DENIED manifest hosts");
    const [grant] = await host.grants("acme.demo");
    assert.equal(grant?.expiresAt, "2026-11-28T00:00:00.000Z");
    now.at = new Date("2026-11-28T00:00:00.000Z");
    assert.deepEqual(await host.grants("acme.demo"), []);
  }));

test("team: only known keys, only the team's hosts, and its own plugins are not asked about", () =>
  underPolicy("team", ["acme", "team"], async (under) => {
    const { host, plan, run } = under;
    await assert.rejects(plan([], "stranger.demo"), { code: "HOST_KEY_UNTRUSTED" });
    await verifyDenied(under, others[1]);
    const hosts = ["wiki.example.com", "api.github.com", "elsewhere.example"];
    const theirs = await run([network({ hosts, methods: ["GET", "POST", "DELETE"] })]);
    assert.equal(await theirs("fetch", "https://wiki.example.com/"), SENT);
    assert.equal(await theirs("fetch", "https://elsewhere.example/"), "BROKER_DENIED policy hosts");
    assert.equal(
      await theirs("fetch", "https://wiki.example.com/", { method: "DELETE" }),
      "BROKER_DENIED policy methods",
    );

    const own = [network({ hosts: ["wiki.example.com"], methods: ["GET", "POST"], bytesPerDay: 1_048_576 })];
    const planned = await plan(own, "team.wiki");
    assert.deepEqual(
      planned.permissions.map(({ isGranted }) => isGranted),
      [true],
    );
    await host.install(planned, { grant: [] });
    assert.equal(await host.call("team.wiki", "go", ["fetch", "https://wiki.example.com/"]), SENT);
  }));

const noWalls = await whyNot("isolated");

test(
  "bank: isolated, nobody is asked, nothing leaves its network, and the ledger's token is injected only",
  { skip: noWalls ?? false },
  () =>
    underPolicy("bank", ["acme"], async (under) => {
      const { host, plan, run } = under;
      await assert.rejects(plan([], "stranger.demo"), { code: "HOST_KEY_UNTRUSTED" });
      for (const denied of others) await verifyDenied(under, denied);
      assert.equal((await plan([])).level, "isolated");
      const ledger = "ledger.intranet.bank.example";
      const token = { header: "authorization", secret: "ledger-token" };
      const go = await run([
        network({ hosts: [ledger], secretHeaders: [token] }),
        network({ hosts: ["mail.intranet.bank.example"], secretHeaders: [token] }),
        network({ hosts: ["wiki.intranet.bank.example", "outside.example"], methods: ["GET", "POST"] }),
        { name: "secrets_access", names: ["ledger-token"], reveal: true, reason: "to test" },
      ]);
      assert.equal(await go("fetch", `https://${ledger}/balance`), SENT);
      const uses = (await host.journal()).filter(({ kind }) => kind === "use").map(({ detail }) => detail ?? "");
      assert.ok(uses.some((detail) => detail.includes('"secretHeaders":[{"header":"authorization"')));
      assert.ok(
        uses.some((detail) => detail.includes('"names":["ledger-token"]')),
        "injected",
      );
      assert.equal(await go("secrets.reveal", "ledger-token"), "BROKER_DENIED policy reveal");
      assert.equal(await go("fetch", "https://mail.intranet.bank.example/"), "BROKER_DENIED policy secretHeaders");
      assert.equal(await go("fetch", "https://wiki.intranet.bank.example/"), SENT);
      assert.equal(await go("fetch", "https://outside.example/"), "BROKER_DENIED policy hosts");
      const post = { method: "POST" };
      assert.equal(await go("fetch", "https://wiki.intranet.bank.example/", post), "BROKER_DENIED policy methods");
      const [grant] = await host.grants("acme.demo");
      assert.equal(grant?.expiresAt, "2026-07-01T00:00:00.000Z");
      await host.revoke("acme.demo", "network_restricted");
      assert.equal(await go("fetch", `https://${ledger}/`), "BROKER_DENIED grant");
      assert.equal((await host.permissionRequests()).length, 1, "kept for a person, not asked");
    }),
);
