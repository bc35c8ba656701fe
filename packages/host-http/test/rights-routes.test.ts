// What an operator decides, over HTTP: rights, secrets, settings, what was stored, and the description of it all.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { quickjs } from "@berth/engine-quickjs";
import { openHost } from "@berth/host";
import type { Host, HostOptions } from "@berth/host";
import { startHostServer } from "@berth/host-http";
import { makeRelease } from "@berth/testkit";
import { generatePublisherKey } from "@berth/trust";

// oxlint-disable-next-line typescript/no-explicit-any -- tests read parts of documents of every shape
type Document = any;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly body: Document;
}

interface World {
  readonly host: Host<string>;
  readonly url: string;
  readonly token: string;
  readonly ask: (method: string, path: string, json?: unknown, token?: string) => Promise<Answer>;
}

const any = { input: true, output: true };
const CODE = `var berthPlugin = { actions: {
  see: (name, ctx) => ctx.secrets.reveal(name),
  async add(n, ctx) { const sum = ((await ctx.storage.get("sum")) ?? 0) + n; await ctx.storage.put("sum", sum); return sum; },
  async *rows(n) { yield n; },
  async fill(count, ctx) { for (let n = 0; n < count; n++) await ctx.storage.put("k" + String(n).padStart(4, "0"), n); return null; },
} };`;
const secretsAccess = { name: "secrets_access", names: ["one"], reveal: true };

async function withServer(
  work: (world: World) => Promise<void>,
  options: Partial<HostOptions<string>> = {},
): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-host-http-"));
  const host = await openHost<string>({ dataDir, engines: [quickjs()], partitionOf: (user) => user, ...options });
  const server = await startHostServer(host);
  const ask: World["ask"] = async (method, path, json, token = server.token) => {
    const answer = await fetch(new URL(path, server.url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(json !== undefined && { "content-type": "application/json" }) },
      ...(json !== undefined && { body: JSON.stringify(json) }),
    });
    const text = await answer.text();
    const isJson = answer.headers.get("content-type")?.includes("json") === true;
    return { status: answer.status, text, body: isJson && !text.includes("\n") ? JSON.parse(text) : undefined };
  };
  try {
    const { bytes } = makeRelease({
      id: "acme.demo",
      key: generatePublisherKey(),
      code: CODE,
      manifest: {
        level: "strict",
        permissions: [{ ...secretsAccess, optional: true, reason: "to see" }],
        secrets: ["one"],
        config: { type: "object", properties: { unit: { type: "string", default: "km" } } },
        contributes: { actions: { see: any, fill: any, add: any, rows: { ...any, streams: true } } },
      },
    });
    const plan = await host.plan(bytes);
    await host.install(plan, { grant: [], trustKey: plan.signer.keyId });
    await work({ host, ask, url: server.url, token: server.token });
  } finally {
    await server.close();
    await host.close();
    await rm(dataDir, { recursive: true });
  }
}

test("grants, revokes, suggests and answers requests", () =>
  withServer(async ({ ask }) => {
    const see = async (): Promise<unknown> =>
      (await ask("POST", "plugins/acme.demo/actions/see", "one")).body.details?.plugin?.code;
    assert.equal(await see(), "BROKER_DENIED");
    assert.equal((await ask("GET", "permission-requests")).body.requests[0].pluginId, "acme.demo");
    const dismissals = "plugins/acme.demo/dismissals";
    assert.deepEqual((await ask("POST", dismissals, { name: "secrets_access" })).body, { dismissed: true });
    assert.deepEqual((await ask("GET", "permission-requests")).body, { requests: [] });
    const grants = "plugins/acme.demo/grants";
    assert.equal((await ask("POST", grants, { permission: secretsAccess })).status, 200);
    assert.equal((await ask("GET", grants)).body.grants.length, 1);
    assert.equal(await see(), "BROKER_SECRET_MISSING");
    assert.deepEqual((await ask("GET", "plugins/acme.demo/suggestion")).body.permissions[0].names, ["one"]);
    const revocations = "plugins/acme.demo/revocations";
    assert.equal((await ask("POST", revocations, { permission: secretsAccess })).body.revoked.length, 1);
    assert.deepEqual((await ask("POST", revocations, { name: "secrets_access" })).body, { revoked: [] });
    assert.equal(await see(), "BROKER_DENIED");
    assert.equal((await ask("GET", "plugins/acme.demo/permissions")).body.permissions[0].name, "secrets_access");
    for (const [path, body] of [
      [grants, { permission: { name: "everything" } }],
      [grants, { permission: secretsAccess, expiresAt: 1 }],
      [revocations, {}],
      [revocations, { name: "secrets_access", permission: secretsAccess }],
      [dismissals, { name: "everything" }],
    ] as const) {
      const { status, body: problem } = await ask("POST", path, body);
      assert.deepEqual([status, problem.code], [400, "HTTP_REQUEST_INVALID"], JSON.stringify(body));
    }
    for (const expiresAt of ["tomorrow", "2999", "Jan 31 2999", "2999-01-31T10:00", ""]) {
      const { status, body: problem } = await ask("POST", grants, { permission: secretsAccess, expiresAt });
      assert.deepEqual([status, problem.code], [403, "HOST_GRANT_REFUSED"], expiresAt);
    }
    await ask("POST", grants, { permission: secretsAccess, expiresAt: "2999-01-31T01:00+01:00" });
    assert.equal((await ask("GET", grants)).body.grants[0].expiresAt, "2999-01-31T00:00:00.000Z");
    const wider = await ask("POST", grants, { permission: { ...secretsAccess, names: ["two"] } });
    assert.equal(wider.body.code, "HOST_GRANT_REFUSED");
  }));

test("tells what the policy grants, and when it was last used", () =>
  withServer(
    async ({ ask, host }) => {
      await host.setSecret("acme.demo", "one", "first");
      const granted = async (): Promise<Document> => (await ask("GET", "plugins/acme.demo/grants")).body;
      assert.deepEqual(await granted(), { grants: [], policyGrants: [{ permission: secretsAccess }] });
      assert.equal((await ask("POST", "plugins/acme.demo/actions/see", "one")).status, 200);
      const { grants, policyGrants } = await granted();
      assert.deepEqual(grants, []);
      assert.match(policyGrants[0].lastUsedAt, /^2.+Z$/);
    },
    { policy: { grants: [{ name: "secrets_access", names: ["one"], reveal: true }] } },
  ));

test("no answer holds a secret's value", () =>
  withServer(async ({ host, ask }) => {
    const value = "only the plugin sees this";
    const answers = [await ask("PUT", "plugins/acme.demo/secrets/one", { value })];
    assert.deepEqual([answers[0]?.status, answers[0]?.body.version], [200, 1]);
    const { body: described } = await ask("GET", "openapi.json");
    for (const [path, methods] of Object.entries(described.paths as Record<string, object>)) {
      if ("get" in methods) answers.push(await ask("GET", path.slice(1).replace("{id}", "acme.demo")));
    }
    assert.ok(answers.length > 15);
    for (const { text } of answers) assert.equal(text.includes(value), false, text);
    assert.equal((await ask("PUT", "plugins/acme.demo/secrets/two", { value })).body.code, "HOST_SECRET_INVALID");
    assert.deepEqual((await ask("DELETE", "plugins/acme.demo/secrets/one")).body, { removed: true });
    assert.deepEqual(await host.secrets("acme.demo"), []);
  }));

test("shows and sets settings, loads and unloads", () =>
  withServer(async ({ ask }) => {
    const config = "plugins/acme.demo/config";
    assert.deepEqual((await ask("GET", config)).body, { value: { unit: "km" } });
    assert.equal((await ask("PUT", config, { value: { unit: "mi" } })).status, 200);
    assert.deepEqual((await ask("GET", config)).body, { value: { unit: "mi" } });
    assert.equal((await ask("PUT", config, { value: { unit: 1 } })).body.code, "HOST_SETTINGS_INVALID");
    const large = await ask("PUT", config, { value: { unit: "x".repeat(5_000_000) } });
    assert.deepEqual([large.status, large.body.code], [413, "HTTP_BODY_TOO_LARGE"]);
    for (const method of ["PUT", "DELETE"])
      assert.equal((await ask(method, "plugins/acme.demo/instance")).status, 200, method);
    assert.equal((await ask("PUT", "plugins/acme.nobody/instance")).status, 404);
    assert.deepEqual((await ask("GET", "schedules?plugin=acme.demo")).body, { schedules: [] });
  }));

test("what was stored comes whole, or not as a whole", () =>
  withServer(async ({ host, ask }) => {
    await host.call("acme.demo", "fill", 250);
    const lines = (await ask("GET", "plugins/acme.demo/data")).text.trimEnd().split("\n");
    assert.equal(lines.length, 251);
    assert.deepEqual(
      lines.slice(1).map((line) => JSON.parse(line).value),
      Array.from({ length: 250 }, (_, n) => n),
    );
    assert.equal((await ask("GET", "plugins/acme.nobody/data")).body.code, "HOST_PLUGIN_UNKNOWN");
    host.exportData = async function* broken() {
      yield "{}\n";
      throw new Error("the disk is gone");
    };
    await assert.rejects(ask("GET", "plugins/acme.demo/data"));
  }));

test("describes every route, and answers none of them without the token", () =>
  withServer(async ({ ask }) => {
    const { body } = await ask("GET", "openapi.json");
    assert.equal(body.openapi, "3.1.0");
    const routes = Object.entries(body.paths as Record<string, Record<string, Document>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
    );
    assert.ok(routes.length >= 37, String(routes.length));
    for (const { path, method, operation } of routes) {
      assert.equal(typeof operation.summary, "string", path);
      const named = operation.parameters
        .filter((each: Document) => each.in === "path")
        .map((each: Document) => each.name);
      assert.deepEqual(
        named,
        Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name),
      );
      const { status } = await ask(method, path.slice(1).replaceAll(/\{\w+\}/g, "acme.demo"), undefined, "wrong");
      assert.equal(status, path === "/host" ? 200 : 401, `${method} ${path}`);
    }
    const { schema } = body.paths["/plugins/{id}/grants"].post.requestBody.content["application/json"];
    assert.deepEqual(schema.required, ["permission"]);
  }));

test("an Idempotency-Key makes one call of several, in one answer and in lines", () =>
  withServer(async ({ host, url, token }) => {
    const run = async (action: string, value: unknown, headers: Record<string, string>): Promise<Answer> => {
      const answer = await fetch(new URL(`plugins/acme.demo/actions/${action}`, url), {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
        body: JSON.stringify(value),
      });
      const text = await answer.text();
      return { status: answer.status, text, body: text.includes("\n") ? undefined : JSON.parse(text) };
    };
    const keyed = { "idempotency-key": "order-7" };
    assert.equal((await run("add", 1, keyed)).body, 1);
    assert.equal((await run("add", 1, keyed)).body, 1);
    // The same key as a structured header says it, and answered in lines.
    const lines = { "idempotency-key": '"order-7"', accept: "application/x-ndjson" };
    assert.equal((await run("add", 1, lines)).text, '{"output":1}\n');
    assert.equal((await run("add", 1, {})).body, 2);
    const other = await run("add", 2, keyed);
    assert.deepEqual([other.status, other.body.code], [400, "BROKER_KEY_REUSED"]);
    assert.equal((await run("add", 1, { "idempotency-key": "x".repeat(201) })).body.code, "BROKER_REQUEST_INVALID");
    assert.equal((await run("rows", 1, lines)).body.code, "BROKER_REQUEST_INVALID");
    assert.equal(await host.call("acme.demo", "add", 1, { idempotencyKey: "order-7" }), 1);
  }));
