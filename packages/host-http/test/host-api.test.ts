import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { isolate } from "@berth/engine-isolate";
import { openHost } from "@berth/host";
import type { Host } from "@berth/host";
import { DATA_LABEL_HEADER, proofOf, startHostServer } from "@berth/host-http";
import type { HostServer } from "@berth/host-http";
import { makeRelease, RegistryFiles, serveFiles } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

const key = generatePublisherKey();

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

interface Answer {
  readonly status: number;
  readonly label: unknown;
  readonly body: Document;
}

interface World {
  readonly host: Host<string>;
  readonly server: HostServer;
  readonly ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Answer>;
}

async function withServer(work: (world: World) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-host-http-"));
  const host = await openHost<string>({
    dataDir,
    engines: [isolate()],
    partitionOf: (user) => user,
    userData: { read: async () => ({ name: "Ann" }) },
  });
  const server = await startHostServer(host);
  const ask: World["ask"] = (method, path, body, headers = {}) =>
    new Promise((resolve, reject) => {
      const bytes =
        body instanceof Uint8Array ? body : body === undefined ? undefined : Buffer.from(JSON.stringify(body));
      const sent = request(new URL(path, server.url), {
        method,
        headers: {
          authorization: `Bearer ${server.token}`,
          ...(bytes !== undefined && {
            "content-type": body instanceof Uint8Array ? "application/octet-stream" : "application/json",
          }),
          ...headers,
        },
      });
      sent.on("error", reject);
      sent.on("response", (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => {
          const text = Buffer.concat(parts).toString();
          resolve({
            status: answer.statusCode ?? 0,
            label: answer.headers[DATA_LABEL_HEADER],
            body: text === "" ? undefined : JSON.parse(text),
          });
        });
      });
      sent.end(bytes);
    });
  try {
    await work({ host, server, ask });
  } finally {
    await server.close();
    await host.close();
    await rm(dataDir, { recursive: true });
  }
}

test("plans, installs and calls over HTTP, with consent in between", () =>
  withServer(async ({ ask }) => {
    const files = new RegistryFiles().publish(
      makeRelease({ id: "acme.top", key, manifest: { dependencies: { "acme.base": "^1" } } }),
      makeRelease({ id: "acme.base", key }),
    );
    const registry = await serveFiles(files.files);
    try {
      assert.equal((await ask("POST", "registries", { name: "tests", url: registry.url })).body.name, "tests");
      const { body } = await ask("POST", "plans", { plugins: { "acme.top": "^1" } });
      assert.deepEqual(
        body.plan.members.map(({ manifest }: Document) => manifest.id),
        ["acme.base", "acme.top"],
      );
      assert.ok(body.plan.members.every((member: Document) => member.packageBytes === undefined));
      const refused = await ask("POST", `plans/${body.id}/install`, { grants: {}, trustKeys: [], confirmedScans: [] });
      assert.deepEqual([refused.status, refused.body.code, refused.body.kind], [403, "HOST_KEY_UNTRUSTED", "denied"]);
      const consent = { grants: {}, trustKeys: [key.keyId], confirmedScans: [] };
      const used = await ask("POST", `plans/${body.id}/install`, consent);
      assert.deepEqual([used.status, used.body.code], [404, "HOST_API_PLAN_UNKNOWN"], "a plan is used once");
      const again = await ask("POST", "plans", { plugins: { "acme.top": "^1" } });
      assert.equal((await ask("POST", `plans/${again.body.id}/install`, consent)).body.installed.length, 2);
      assert.equal((await ask("GET", "plugins")).body.plugins.length, 2);
      assert.deepEqual((await ask("POST", "plugins/acme.top/actions/echo", { a: [1] })).body, { a: [1] });
      const needed = await ask("POST", "uninstalls", { ids: ["acme.base"] });
      assert.deepEqual([needed.status, needed.body.code], [400, "HOST_PLUGIN_NEEDED"]);
      assert.equal((await ask("GET", "registries")).body.bindings[0].publisher, "acme");
      assert.equal((await ask("GET", "lock")).body.releases.length, 2);
      assert.ok((await ask("GET", "journal?limit=3")).body.entries.length === 3);
      assert.equal((await ask("PUT", "plugins/acme.top/state", { state: "disabled" })).body.state, "disabled");
      assert.equal((await ask("POST", "uninstalls", { ids: ["acme.base", "acme.top"] })).body.receipts.length, 2);
    } finally {
      await registry.close();
    }
  }));

test("an answer, or an error, with data of the user's says where that may go", () =>
  withServer(async ({ host, ask }) => {
    const code = `var berthPlugin = { actions: {
      read: async (id, ctx) => (await ctx.user.data.get("contacts", id)).name,
      fail: async (id, ctx) => { throw new Error((await ctx.user.data.get("contacts", id)).name); },
      echo: (value) => value } };`;
    const any = { input: true, output: true };
    const asked = { name: "user_data_access", entities: ["contacts"], purpose: "x", mayLeaveTo: ["b.com", "a.com"] };
    const manifest = {
      permissions: [{ ...asked, reason: "x" }],
      contributes: { actions: { read: any, fail: any, echo: any } },
    };
    const plan = await host.plan(makeRelease({ id: "acme.reads", key, code, manifest }).bytes);
    const grant = plan.permissions.map(({ permission }) => permission);
    await host.install(plan, { grant, trustKey: plan.signer.keyId });
    const call = (action: string, user: string): Promise<Answer> =>
      ask("POST", `plugins/acme.reads/actions/${action}?user=${user}`, "1");
    const label = '{"mayLeaveTo":["a.com","b.com"]}';
    assert.deepEqual(await call("echo", "ann"), { status: 200, label: undefined, body: "1" });
    assert.deepEqual(await call("read", "ann"), { status: 200, label, body: "Ann" });
    const failed = await call("fail", "ann");
    assert.deepEqual([failed.body.code, failed.label], ["SANDBOX_PLUGIN_THREW", label]);
    assert.deepEqual(await call("echo", "ann"), { status: 200, label, body: "1" });
    assert.deepEqual(await call("echo", "bob"), { status: 200, label: undefined, body: "1" });
  }));

test("takes a package by upload, once", () =>
  withServer(async ({ ask }) => {
    const { bytes } = makeRelease({ id: "acme.local", key });
    const { id } = (await ask("POST", "packages", bytes)).body;
    assert.equal((await ask("POST", "plans", { packages: [id] })).body.plan.members[0].manifest.id, "acme.local");
    assert.equal((await ask("POST", "plans", { packages: [id] })).body.code, "HOST_API_PACKAGE_UNKNOWN");
  }));

test("answers nobody without the token, and no web page", () =>
  withServer(async ({ ask, server }) => {
    for (const authorization of ["", "Bearer ", "Bearer wrong", `Basic ${server.token}`, `Bearer ${server.token}x`]) {
      for (const [method, path] of [
        ["GET", "plugins"],
        ["GET", "journal"],
        ["POST", "plans"],
        ["POST", "plugins/acme.x/actions/y"],
      ] as const) {
        assert.equal((await ask(method, path, undefined, { authorization })).status, 401, `${method} ${path}`);
      }
    }
    const page = await ask("GET", "plugins", undefined, { origin: "https://evil.example" });
    assert.deepEqual([page.status, page.body.code], [403, "HOST_API_BROWSER_REFUSED"]);
  }));

test("answers no page whose name was pointed at loopback, not even the open path", () =>
  withServer(async ({ ask, server }) => {
    const { port } = new URL(server.url);
    for (const host of [`evil.example:${port}`, "evil.example", `127.0.0.1.evil.example:${port}`, `[::1]:${port}`]) {
      for (const path of ["host?challenge=abc", "plugins"]) {
        const { status, body } = await ask("GET", path, undefined, { host });
        assert.deepEqual([status, body.code], [403, "HOST_API_BROWSER_REFUSED"], `${path} of ${host}`);
      }
    }
    assert.equal((await ask("GET", "plugins", undefined, { host: `localhost:${port}` })).status, 200);
  }));

test("proves that it holds the token without telling it", () =>
  withServer(async ({ ask, server }) => {
    const { body } = await ask("GET", "host?challenge=abc", undefined, { authorization: "" });
    assert.equal(body.proof, proofOf(server.token, "abc"));
    assert.notEqual(body.proof, proofOf(server.token, "abd"));
    assert.ok(!JSON.stringify(body).includes(server.token));
  }));

test("malformed requests are refused by name, and never break the server", () =>
  withServer(async ({ ask }) => {
    for (const [method, path, body] of [
      ["POST", "plans", { plugins: { "no id": "*" } }],
      ["POST", "plans", { plugins: { "acme.aa": "not a range" } }],
      ["POST", "plans", { unknown: 1 }],
      ["POST", "plans", Buffer.from("{")],
      ["POST", "plans", { packages: ["../../etc/passwd"] }],
      ["POST", "registries", { name: "x" }],
      ["POST", "uninstalls", { ids: [] }],
      ["PUT", "plugins/acme.x/state", { state: "quarantined" }],
      ["POST", "keys", { publisher: "Acme", key: {} }],
      ["GET", "journal?limit=0", undefined],
    ] as const) {
      const answer = await ask(method, path, body, { "content-type": "application/json" });
      assert.deepEqual([answer.status, answer.body.code], [400, "HTTP_REQUEST_INVALID"], `${method} ${path}`);
    }
    assert.equal((await ask("GET", "nowhere")).status, 404);
    assert.equal((await ask("POST", "plugins/acme.nobody/actions/x", {})).body.code, "HOST_PLUGIN_UNKNOWN");
    assert.equal((await ask("GET", "plugins")).status, 200);
  }));
