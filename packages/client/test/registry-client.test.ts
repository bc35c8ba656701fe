import assert from "node:assert/strict";
import test from "node:test";

import { parseRegistryUrl } from "@berth/client";

import { demo, withRegistry } from "./builders.ts";

const code = (expected: string) => (error: unknown) => (error as { code?: string }).code === expected;

test("reads the index and the package from static files alone", () =>
  withRegistry(async ({ client, server }) => {
    const registry = client();
    assert.equal((await registry.info()).repository, "tests");
    const index = await registry.index("acme.demo");
    assert.deepEqual(index?.releases, [demo.index]);
    let heard = 0;
    const bytes = await registry.download("acme.demo", demo.index, { onBytes: (count) => (heard += count) });
    assert.deepEqual(Buffer.from(bytes), Buffer.from(demo.bytes));
    assert.equal(heard, demo.bytes.length);
    assert.equal(await registry.index("acme.other"), undefined);
    assert.ok(server.requests.every((path) => path.startsWith("index/") || path.startsWith("packages/")));
  }));

test("sends nothing that tells who asks", () =>
  withRegistry(async ({ client, server }) => {
    const registry = client();
    await registry.index("acme.demo");
    await registry.download("acme.demo", demo.index);
    for (const raw of server.headers) {
      const names = raw.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase());
      const allowed = ["accept", "accept-encoding", "connection", "host", "if-none-match", "user-agent"];
      assert.deepEqual(
        names.filter((name) => !allowed.includes(name)),
        [],
      );
      assert.equal(raw[raw.findIndex((name) => name.toLowerCase() === "user-agent") + 1], "berth");
    }
  }));

test("asks a passing failure again, and only so often", () =>
  withRegistry(async ({ client, server }) => {
    let failures = 2;
    server.misbehave = (_, response) => {
      if (failures === 0) return false;
      failures -= 1;
      response.writeHead(503).end();
      return true;
    };
    assert.equal((await client().index("acme.demo"))?.id, "acme.demo");
    failures = 100;
    await assert.rejects(client().info(), code("CLIENT_REGISTRY_FAILED"));
    assert.equal(failures, 96);
  }));

test("does not ask again what would be answered the same", () =>
  withRegistry(async ({ client, server }) => {
    for (const [status, expected] of [
      [500, "CLIENT_REGISTRY_FAILED"],
      [403, "CLIENT_DENIED"],
      [418, "CLIENT_REFUSED"],
    ] as const) {
      const before = server.requests.length;
      server.misbehave = (_, response) => void response.writeHead(status).end();
      await assert.rejects(client().info(), code(expected));
      assert.equal(server.requests.length, before + 1);
    }
  }));

test("waits as long as the registry asks, but not beyond its own deadline", () =>
  withRegistry(async ({ client, server }) => {
    let isBusy = true;
    server.misbehave = (_, response) => {
      if (!isBusy) return false;
      isBusy = false;
      response.writeHead(429, { "retry-after": "2" }).end();
      return true;
    };
    await client().info();
    assert.equal(server.requests.length, 2);
    isBusy = true;
    server.misbehave = (_, response) => void response.writeHead(429, { "retry-after": "3600" }).end();
    await assert.rejects(client().info(), (error: { code: string; details: { retryAfterMs: number } }) => {
      assert.equal(error.code, "CLIENT_RATE_LIMITED");
      assert.equal(error.details.retryAfterMs, 3_600_000);
      return true;
    });
    assert.equal(server.requests.length, 3);
  }));

test("says that a registry is down, with what the connection said", async () => {
  await withRegistry(async ({ client, server }) => {
    const registry = client();
    await server.close();
    await assert.rejects(registry.index("acme.demo"), (error: { code: string; details: { connection: string } }) => {
      assert.equal(error.code, "CLIENT_REGISTRY_UNREACHABLE");
      assert.equal(error.details.connection, "ECONNREFUSED");
      return true;
    });
  });
});

test("gives up on a registry that never answers, falls silent or drips", () =>
  withRegistry(async ({ client, server }) => {
    server.misbehave = () => true;
    await assert.rejects(client({ timeoutMs: 150 }).info(), code("CLIENT_REGISTRY_SLOW"));
    server.misbehave = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write("{");
    };
    await assert.rejects(client({ idleMs: 100 }).info(), code("CLIENT_REGISTRY_SLOW"));
    server.misbehave = (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      const drip = setInterval(() => response.write(" "), 20);
      response.on("close", () => clearInterval(drip));
    };
    await assert.rejects(client({ idleMs: 100, timeoutMs: 300 }).info(), code("CLIENT_REGISTRY_SLOW"));
  }));

test("a caller's abort ends the question with the caller's own reason", () =>
  withRegistry(async ({ client, server }) => {
    server.misbehave = () => true;
    const stop = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => stop.abort(reason), 30);
    await assert.rejects(client().info(stop.signal), (error) => error === reason);
  }));

test("follows redirects within one origin, and no others", () =>
  withRegistry(async ({ client, server }) => {
    server.misbehave = (_, response, path) => {
      if (path !== "index/registry.json") return false;
      response.writeHead(302, { location: "/moved/registry.json" }).end();
      return true;
    };
    await assert.rejects(client().info(), code("CLIENT_NOT_A_REGISTRY"));
    for (const location of ["https://elsewhere.example/registry.json", "//127.0.0.1:1/x", "javascript:1", ""]) {
      server.misbehave = (_, response) => void response.writeHead(301, { location }).end();
      await assert.rejects(client().info(), code("CLIENT_REDIRECT_REFUSED"), location);
    }
  }));

test("takes addresses with https, and plain http to this machine alone", () => {
  assert.equal(parseRegistryUrl("https://registry.example/below").href, "https://registry.example/below/");
  assert.equal(parseRegistryUrl("http://localhost:4873").href, "http://localhost:4873/");
  assert.equal(parseRegistryUrl("http://[::1]:80/").href, "http://[::1]/");
  assert.equal(parseRegistryUrl("http://inside.example/", { allowHttp: true }).href, "http://inside.example/");
  for (const text of ["http://registry.example/", "http://127.0.0.1.registry.example/", "http://10.0.0.1/"]) {
    assert.throws(() => parseRegistryUrl(text), code("CLIENT_URL_INSECURE"), text);
  }
  for (const text of ["", "registry", "file:///etc", "https://me:word@registry.example/", "https://r.example/?q=1"]) {
    assert.throws(() => parseRegistryUrl(text), code("CLIENT_URL_INVALID"), text);
  }
});
