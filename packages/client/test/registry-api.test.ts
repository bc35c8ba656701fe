import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";

import { nodePowers, parseRegistryUrl, RegistryApi, RegistryClient } from "@berth/client";
import { start } from "@berth/registry";
import { makeRelease } from "@berth/testkit";
import { formatPublicKey, generatePublisherKey } from "@berth/trust";

import { key, withRegistry } from "./builders.ts";

const code = (expected: string) => (error: unknown) => {
  assert.equal((error as { code?: string }).code, expected, String(error));
  return true;
};

interface RealWorld {
  readonly operator: RegistryApi;
  readonly client: RegistryClient;
  readonly apiWith: (token?: string) => RegistryApi;
}

/** A real registry on a folder of its own. */
async function withServer(work: (world: RealWorld) => Promise<void>): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), "berth-client-"));
  const server = await start({ dataDir, port: 0, logLevel: "silent" });
  const powers = nodePowers();
  try {
    const client = new RegistryClient({ url: parseRegistryUrl(server.url), powers });
    await work({
      client,
      operator: new RegistryApi(client, server.operatorToken),
      apiWith: (token) => new RegistryApi(client, token),
    });
  } finally {
    powers[Symbol.dispose]();
    await server.close();
    await rm(dataDir, { recursive: true });
  }
}

test("a publisher's whole life against a real registry: claim, publish, find, yank, deprecate", () =>
  withServer(async ({ operator, client, apiWith }) => {
    const anonymous = apiWith();
    await assert.rejects(
      anonymous.createPublisher({ name: "acme", publicKey: formatPublicKey(key) }),
      code("CLIENT_DENIED"),
    );
    const { token } = await operator.createPublisher({ name: "acme", publicKey: formatPublicKey(key) });
    const publisher = apiWith(token.token);
    for (const version of ["1.0.0", "1.1.0"]) {
      const made = makeRelease({ id: "acme.demo", version, key });
      let sent = 0;
      const published = await publisher.publish("acme.demo", version, made.bytes, {
        onBytes: (count) => (sent += count),
      });
      assert.deepEqual(
        [published.contentDigest, published.fileDigest, published.fileSize, sent],
        [made.index.contentDigest, made.index.fileDigest, made.bytes.length, made.bytes.length],
      );
      assert.deepEqual((await publisher.publish("acme.demo", version, made.bytes)).sequence, published.sequence);
      assert.deepEqual(Buffer.from(await client.download("acme.demo", made.index)), Buffer.from(made.bytes));
    }
    const page = await anonymous.search({ q: "demo", limit: 5 });
    assert.deepEqual(
      page.items.map(({ id, version }) => [id, version]),
      [["acme.demo", "1.1.0"]],
    );
    assert.deepEqual((await anonymous.plugin("acme.demo"))?.versions, ["1.1.0", "1.0.0"]);
    assert.equal(await anonymous.plugin("acme.other"), undefined);
    assert.equal(await anonymous.readme("acme.demo"), undefined);
    await publisher.yank("acme.demo", "1.1.0", "Loses rows.");
    assert.equal((await client.index("acme.demo"))?.releases[0]?.yanked?.reason, "Loses rows.");
    assert.equal((await anonymous.plugin("acme.demo"))?.version, "1.0.0");
    await publisher.unyank("acme.demo", "1.1.0");
    await publisher.publish("acme.other", "1.0.0", makeRelease({ id: "acme.other", key }).bytes);
    await publisher.deprecate("acme.demo", undefined, { message: "Use the other.", replacement: "acme.other" });
    assert.equal((await client.index("acme.demo"))?.deprecated?.replacement, "acme.other");
    await publisher.undeprecate("acme.demo", undefined);
    await publisher.deprecate("acme.demo", "1.0.0", { message: "Old." });
    const kinds = (await anonymous.changes(0)).items.map(({ kind }) => kind);
    assert.deepEqual(kinds, [
      "publisher",
      "publish",
      "publish",
      "yank",
      "unyank",
      "publish",
      "deprecate",
      "undeprecate",
      "deprecate",
    ]);
  }));

test("tokens are made, listed and revoked, and what they may not do is refused with the registry's reason", () =>
  withServer(async ({ operator, apiWith }) => {
    const { token } = await operator.createPublisher({ name: "acme", publicKey: formatPublicKey(key) });
    await operator.createPublisher({ name: "beta", publicKey: formatPublicKey(generatePublisherKey()) });
    const publisher = apiWith(token.token);
    const narrow = await publisher.createToken({
      publisher: "acme",
      scopes: ["publish"],
      plugins: ["acme.other"],
      label: "one plugin",
    });
    const { bytes } = makeRelease({ id: "acme.demo", key });
    const denied = (error: unknown): boolean => {
      code("CLIENT_DENIED")(error);
      assert.match(String((error as { details: { registryCode: string } }).details.registryCode), /^HTTP_TOKEN/);
      return true;
    };
    await assert.rejects(apiWith(narrow.token).publish("acme.demo", "1.0.0", bytes), denied);
    await assert.rejects(apiWith(narrow.token).yank("acme.other", "1.0.0", "No."), denied);
    await assert.rejects(publisher.publish("beta.demo", "1.0.0", bytes), denied);
    await assert.rejects(apiWith("made-up").publish("acme.demo", "1.0.0", bytes), denied);
    await assert.rejects(apiWith().publish("acme.demo", "1.0.0", bytes), code("CLIENT_TOKEN_MISSING"));
    await assert.rejects(apiWith("a\r\nx: y").publish("acme.demo", "1.0.0", bytes), code("CLIENT_TOKEN_MISSING"));
    assert.ok((await publisher.tokens()).some(({ id }) => id === narrow.id));
    await publisher.revokeToken(narrow.id);
    await assert.rejects(apiWith(narrow.token).publish("acme.other", "1.0.0", bytes), denied);
    const forged = makeRelease({ id: "acme.demo", key: generatePublisherKey() });
    await assert.rejects(publisher.publish("acme.demo", "1.0.0", forged.bytes), (error: { code: string }) => {
      assert.ok(["CLIENT_REFUSED", "CLIENT_DENIED"].includes(error.code), error.code);
      return true;
    });
  }));

test("a token is not sent to a server that is no registry, nor with questions that need none", () =>
  withRegistry(async ({ client, server }) => {
    const api = new RegistryApi(client(), "secret");
    await assert.rejects(api.search({ q: "x" }), code("CLIENT_REFUSED"));
    server.misbehave = (_, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<p>");
    const other = new RegistryApi(client(), "secret");
    await assert.rejects(other.publish("acme.demo", "1.0.0", new Uint8Array(10)), code("CLIENT_NOT_A_REGISTRY"));
    assert.ok(!server.headers.flat().some((text) => text.includes("secret")));
  }));

test("does not send a change twice, whatever happens to the first", () =>
  withRegistry(async ({ client, server }) => {
    let writes = 0;
    server.misbehave = (request, response) => {
      if (request.method === "GET") return false;
      writes += 1;
      request.resume();
      response.writeHead(503).end();
      return true;
    };
    const api = new RegistryApi(client(), "secret");
    await assert.rejects(api.yank("acme.demo", "1.0.0", "No."), code("CLIENT_REGISTRY_FAILED"));
    await assert.rejects(api.publish("acme.demo", "1.0.0", new Uint8Array(200_000)), code("CLIENT_REGISTRY_FAILED"));
    assert.equal(writes, 2);
  }));
