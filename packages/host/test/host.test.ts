import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import { generatePublisherKey } from "@berth/trust";

import { install, makePackage, withHost } from "./fixture.ts";

const permission = { name: "network_restricted", hosts: ["api.example.com"], reason: "to look things up" };

test("installs, calls, lists, journals and uninstalls", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    assert.deepEqual(await host.call("acme.demo", "echo", { a: [1, new Uint8Array([7])] }), {
      a: [1, new Uint8Array([7])],
    });
    assert.deepEqual(
      (await host.list()).map(({ id, version, level }) => [id, version, level]),
      [["acme.demo", "1.0.0", "standard"]],
    );
    assert.deepEqual((await host.journal()).map(({ kind, outcome }) => `${kind} ${outcome}`).toSorted(), [
      "call ok",
      "install ok",
      "trust ok",
    ]);
    await host.uninstall("acme.demo");
    assert.deepEqual(await host.list(), []);
    assert.deepEqual(await readdir(join(dataDir, "packages")), []);
    await assert.rejects(host.call("acme.demo", "echo", 1), { code: "HOST_PLUGIN_UNKNOWN" });
  }));

test("what was installed and stored is there after the host was opened again", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    await host.call("acme.demo", "share", "kept");
    await host.close();
    await using again = await openHost<string>({ dataDir, engines: [isolate()] });
    assert.equal(await again.call("acme.demo", "share", null), "kept");
  }));

test("one partition never sees what another stored", () =>
  withHost(async (host) => {
    await install(host);
    await host.call("acme.demo", "remember", "anna's", { caller: "anna" });
    assert.equal(await host.call("acme.demo", "recall", null, { caller: "bert" }), null);
    assert.equal(await host.call("acme.demo", "recall", null, { caller: "anna" }), "anna's");
    assert.equal(await host.call("acme.demo", "share", null, { caller: "anna" }), null);
    await assert.rejects(host.call("acme.demo", "recall", null), /BROKER_NO_CALLER|without a partition/);
    const [denial] = (await host.journal()).filter(({ kind }) => kind === "denial");
    assert.equal(denial?.outcome, "BROKER_NO_CALLER");
  }));

test("two plugins with the same keys do not meet", () =>
  withHost(async (host) => {
    await install(host);
    await install(host, makePackage({ id: "acme.other" }));
    await host.call("acme.demo", "share", 1);
    assert.equal(await host.call("acme.other", "share", null), null);
  }));

test("lists keys in order and by prefix, and holds the quota", () =>
  withHost(
    async (host) => {
      await install(host);
      await assert.rejects(host.call("acme.demo", "fill", 20), /quota/);
      assert.deepEqual(await host.call("acme.demo", "keys", { prefix: "f", limit: 3 }), ["f0", "f1", "f2"]);
      assert.deepEqual(await host.call("acme.demo", "keys", { prefix: "%" }), []);
      await assert.rejects(host.call("acme.demo", "keys", { limit: 0 }), /limit of 1 or more/);
    },
    { policy: { storageBytes: 1_000_000 } },
  ));

test("checks input and output against the manifest's schemas", () =>
  withHost(async (host) => {
    const schema = {
      type: "object",
      properties: { toString: { type: "string", pattern: "^(a+)+$" } },
      required: ["toString"],
      additionalProperties: false,
    };
    await install(
      host,
      makePackage({
        manifest: {
          contributes: {
            actions: { echo: { input: schema, output: true }, lies: { input: true, output: { type: "number" } } },
          },
        },
      }),
    );
    assert.deepEqual(await host.call("acme.demo", "echo", { toString: "aaa" }), { toString: "aaa" });
    await assert.rejects(host.call("acme.demo", "echo", {}), { code: "HOST_INPUT_INVALID" });
    await assert.rejects(host.call("acme.demo", "echo", { toString: `${"a".repeat(50_000)}!` }), {
      code: "HOST_INPUT_INVALID",
    });
    await assert.rejects(host.call("acme.demo", "lies", 1), { code: "HOST_OUTPUT_INVALID" });
    await assert.rejects(host.call("acme.demo", "constructor", 1), { code: "HOST_ACTION_UNKNOWN" });
  }));

test("large values cross as bytes and never as values", () =>
  withHost(async (host) => {
    await install(host);
    const rows = Array.from({ length: 100_000 }, (_, index) => ({ index, name: `row ${index}`, share: index / 3 }));
    const json = new TextEncoder().encode(JSON.stringify(rows));
    assert.deepEqual(JSON.parse(new TextDecoder().decode(await host.callBytes("acme.demo", "echo", json))), rows);
    await assert.rejects(host.call("acme.demo", "echo", rows), { code: "HOST_VALUE_TOO_LARGE" });
    await assert.rejects(host.callBytes("acme.demo", "echo", new TextEncoder().encode("{")), {
      code: "HOST_INPUT_INVALID",
    });
  }));

test("a plugin that loops is ended while those of other publishers answer", () =>
  withHost(async (host) => {
    await install(host);
    await install(host, makePackage({ id: "other.demo" }));
    const looping = assert.rejects(host.call("acme.demo", "loop", null), { code: "SANDBOX_CPU" });
    for (let count = 0; count < 20; count += 1) assert.equal(await host.call("other.demo", "echo", count), count);
    await looping;
    assert.equal(await host.call("acme.demo", "echo", "back"), "back");
  }));

test("installs only with consent to what is required", () =>
  withHost(async (host) => {
    const plan = await host.plan(
      makePackage({
        manifest: { permissions: [permission, { ...permission, hosts: ["b.example.com"], optional: true }] },
      }),
    );
    assert.match(plan.permissions[0]?.text ?? "", /^Talk to api\.example\.com/);
    await assert.rejects(host.install(plan, { grant: [], trustKey: plan.signer.keyId }), {
      code: "HOST_CONSENT_MISSING",
    });
    const [required] = plan.permissions;
    assert.ok(required);
    const { permissions } = await host.install(plan, { grant: [required.permission], trustKey: plan.signer.keyId });
    assert.deepEqual(permissions, [required.permission]);
  }));

test("an update keeps grants that still cover, and asks for what widens", () =>
  withHost(async (host) => {
    await install(host, makePackage({ manifest: { permissions: [{ ...permission, hosts: ["*.example.com"] }] } }));
    const narrower = await host.plan(makePackage({ version: "1.1.0", manifest: { permissions: [permission] } }));
    assert.equal(narrower.permissions[0]?.isGranted, true);
    await host.install(narrower, { grant: [] });
    const wider = await host.plan(
      makePackage({ version: "1.2.0", manifest: { permissions: [{ ...permission, ports: [443, 80] }] } }),
    );
    assert.equal(wider.permissions[0]?.isGranted, false);
    await assert.rejects(host.install(wider, { grant: [] }), { code: "HOST_CONSENT_MISSING" });
    assert.deepEqual(
      (await host.list()).map(({ version }) => version),
      ["1.1.0"],
    );
  }));

test("a new publisher's key must be confirmed, another key later is refused", () =>
  withHost(async (host) => {
    const plan = await host.plan(makePackage());
    assert.equal(plan.signer.status, "first-use");
    await assert.rejects(host.install(plan, { grant: [] }), { code: "HOST_KEY_UNTRUSTED" });
    await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
    assert.equal((await host.plan(makePackage({ version: "2.0.0" }))).signer.status, "trusted");
    const { signer } = await host.plan(makePackage({ id: "mallory.demo" }));
    assert.ok(signer.status === "first-use");
    assert.deepEqual(
      [signer.alsoTrustedFor, plan.signer.status === "first-use" && plan.signer.alsoTrustedFor],
      [["acme"], []],
    );
    await assert.rejects(host.plan(makePackage({ version: "2.0.0", signWith: generatePublisherKey() })), {
      code: "HOST_KEY_CHANGED",
    });
  }));

for (const [what, bytes, code] of [
  ["an unsigned package", () => makePackage({ signWith: null }), "HOST_PACKAGE_UNSIGNED"],
  [
    "a statement from the future",
    () => makePackage({ time: "2999-01-01T00:00:00.000Z" }),
    "TRUST_STATEMENT_FROM_FUTURE",
  ],
  ["another API", () => makePackage({ manifest: { api: "^9.0" } }), "HOST_API_UNSUPPORTED"],
  [
    "another runtime",
    () => makePackage({ manifest: { runtime: { kind: "python", entry: "plugin.js" } } }),
    "HOST_RUNTIME_UNSUPPORTED",
  ],
  ["a level without an engine", () => makePackage({ manifest: { level: "strict" } }), "HOST_RUNTIME_UNSUPPORTED"],
  [
    "dependencies that are not installed",
    () => makePackage({ manifest: { dependencies: { "acme.base": "^1.0" } } }),
    "HOST_DEPENDENCY_UNMET",
  ],
  [
    "limits above the ceiling",
    () => makePackage({ manifest: { limits: { memoryMiB: 1_024 } } }),
    "HOST_LIMITS_TOO_HIGH",
  ],
  [
    "an entry that is not there",
    () => makePackage({ manifest: { runtime: { kind: "javascript", entry: "other.js" } } }),
    "HOST_ENTRY_MISSING",
  ],
  [
    "a permission that policy denies",
    () => makePackage({ manifest: { permissions: [{ name: "network_unrestricted", reason: "x" }] } }),
    "HOST_POLICY_DENIES",
  ],
  ["a manifest that is none", () => makePackage({ manifest: { id: 5 } }), "SPEC_MANIFEST_INVALID"],
  ["no archive", () => new Uint8Array(100), "ARCHIVE_PACKAGE_INVALID"],
] as const) {
  test(`refuses ${what} by name`, () =>
    withHost(
      async (host) => {
        await assert.rejects(host.plan(bytes()), { code });
        assert.deepEqual(await host.list(), []);
      },
      { policy: { deny: ["network_unrestricted"] } },
    ));
}

test("a plugin edited on disk is not run", () =>
  withHost(async (host, dataDir) => {
    await install(host);
    const [name = ""] = await readdir(join(dataDir, "packages"));
    await writeFile(
      join(dataDir, "packages", name),
      makePackage({ code: "var berthPlugin = { actions: { echo: () => 'evil' } };" }),
    );
    await assert.rejects(host.call("acme.demo", "echo", 1), { code: "HOST_PACKAGE_DAMAGED" });
  }));

test("of two installs at once one wins, and the other is told to plan again", () =>
  withHost(async (host) => {
    const plans = await Promise.all([host.plan(makePackage()), host.plan(makePackage({ version: "2.0.0" }))]);
    const results = await Promise.allSettled(
      plans.map((plan) => host.install(plan, { grant: [], trustKey: plan.signer.keyId })),
    );
    assert.deepEqual(results.map(({ status }) => status).toSorted(), ["fulfilled", "rejected"]);
    assert.equal((await host.list()).length, 1);
  }));

test("a data directory has one owner, and the second is told who", () =>
  withHost(async (_host, dataDir) => {
    await assert.rejects(openHost({ dataDir, engines: [], busyMs: 50 }), (error: unknown) => {
      assert.equal((error as { code: string }).code, "HOST_BUSY");
      assert.equal((error as { details: { pid: number } }).details.pid, process.pid);
      return true;
    });
  }));

test("nothing is answered after close", () =>
  withHost(async (host) => {
    await install(host);
    const under = assert.rejects(host.call("acme.demo", "loop", null), (error: unknown) =>
      ["HOST_CLOSED", "SANDBOX_CLOSED", "SANDBOX_CPU"].includes((error as { code: string }).code),
    );
    await host.close();
    await under;
    assert.throws(() => host.uninstall("acme.demo"), { code: "HOST_CLOSED" });
  }));

test("a lower version is told by the plan and installed only with a consent of its own", () =>
  withHost(async (host) => {
    await install(host, makePackage({ version: "1.10.0" }));
    assert.equal((await host.plan(makePackage({ version: "1.11.0" }))).isDowngrade, false);
    for (const version of ["1.9.0", "1.10.0-rc.1"]) {
      const plan = await host.plan(makePackage({ version }));
      assert.deepEqual([plan.isDowngrade, plan.replaces], [true, "1.10.0"]);
      await assert.rejects(host.install(plan, { grant: [] }), { code: "HOST_DOWNGRADE_UNCONSENTED" });
    }
    assert.equal((await host.list())[0]?.version, "1.10.0");
    await host.install(await host.plan(makePackage({ version: "1.9.0" })), { grant: [], allowDowngrade: true });
    assert.equal((await host.list())[0]?.version, "1.9.0");
  }));
