import assert from "node:assert/strict";
import test from "node:test";

import { newPublisherAnswerSchema, publisherSchema, tokenListSchema } from "@berth/spec";
import { formatPublicKey, generatePublisherKey, signKeyStatement, signRelease } from "@berth/trust";

import { acme, withRegistry } from "./fixture.ts";
import { testOnEveryStore } from "./stores.ts";

const other = generatePublisherKey();
const time = "2026-01-01T00:00:00.000Z";

testOnEveryStore("a name binds to its first key, and only the operator hands out names", async (registry) => {
  const body = { name: "acme", publicKey: formatPublicKey(acme) };
  assert.equal((await registry.ask("api/v1/publishers", { body })).body.code, "HTTP_TOKEN_MISSING");
  const made = await registry.ask("api/v1/publishers", { body, token: registry.operator });
  assert.equal(made.status, 201);
  const { keys, token } = newPublisherAnswerSchema.parse(made.body);
  assert.deepEqual([keys[0]?.keyId, token.scopes], [acme.keyId, ["publish", "manage"]]);
  const again = await registry.ask("api/v1/publishers", {
    body: { name: "acme", publicKey: formatPublicKey(other) },
    token: registry.operator,
  });
  assert.deepEqual([again.status, again.body.code], [409, "REGISTRY_PUBLISHER_EXISTS"]);
  const asPublisher = await registry.ask("api/v1/publishers", {
    body: { name: "globex", publicKey: formatPublicKey(other) },
    token: token.token,
  });
  assert.deepEqual([asPublisher.status, asPublisher.body.code], [403, "HTTP_TOKEN_SCOPE"]);
  const weak = { name: "globex", publicKey: `berth-ed25519 ${"A".repeat(43)}=` };
  const refused = await registry.ask("api/v1/publishers", { body: weak, token: registry.operator });
  assert.equal(refused.body.code, "TRUST_KEY_WEAK");
});

test("names that look like one that exists are refused; the operator may allow a single letter", () =>
  withRegistry(
    async (registry) => {
      const create = (name: string, token?: string) =>
        registry.ask("api/v1/publishers", {
          body: { name, publicKey: formatPublicKey(other) },
          ...(token !== undefined && { token }),
        });
      assert.equal((await create("paypal-tools")).status, 201);
      for (const name of ["paypaltools", "paypa1-tools", "paypal-too1s", "pay-pal-tools", "paypal-t0ols"]) {
        assert.equal((await create(name)).body.code, "REGISTRY_NAME_RESEMBLES", name);
        assert.equal((await create(name, registry.operator)).body.code, "REGISTRY_NAME_RESEMBLES", name);
      }
      for (const name of ["paypal-tool", "paypal-toolss", "paypel-tools", "payapl-tools"])
        assert.equal((await create(name)).body.code, "REGISTRY_NAME_RESEMBLES", name);
      assert.equal((await create("paypal-tool", registry.operator)).status, 201);
      for (const name of ["Paypal", "pаypal", "pay_pal", "pay--pal", "-paypal", "p", "x".repeat(65)])
        assert.equal((await create(name)).body.code, "HTTP_REQUEST_INVALID", name);
      assert.equal((await create("quite-another")).status, 201);
    },
    { openRegistration: true },
  ));

testOnEveryStore("two ids of one publisher never look the same", async (registry) => {
  const token = await registry.addPublisher("acme");
  assert.equal((await registry.publish({ token, id: "acme.csv-tools" })).status, 201);
  assert.equal((await registry.publish({ token, id: "acme.csvtools" })).body.code, "REGISTRY_NAME_RESEMBLES");
  assert.equal((await registry.publish({ token, id: "acme.csv-too1s" })).body.code, "REGISTRY_NAME_RESEMBLES");
  assert.equal((await registry.publish({ token, id: "acme.tsv-tools" })).status, 201);
});

testOnEveryStore(
  "a token works for its publisher, its plugins and its scopes, until it is revoked",
  async (registry) => {
    const token = await registry.addPublisher("acme");
    const foreign = await registry.addPublisher("globex", other);
    const make = (body: object, by: string) =>
      registry.ask("api/v1/tokens", { body: { label: "ci", ...body }, token: by });

    assert.equal((await registry.publish({ token: foreign })).body.code, "HTTP_TOKEN_SCOPE");
    assert.equal((await registry.publish({ token: registry.operator })).body.code, "HTTP_TOKEN_SCOPE");
    const narrow = await make({ publisher: "acme", scopes: ["publish"], plugins: ["acme.csv-tools"] }, token);
    assert.equal(narrow.status, 201);
    assert.equal((await registry.publish({ token: narrow.body.token })).status, 201);
    assert.equal((await registry.publish({ token: narrow.body.token, id: "acme.zip" })).body.code, "HTTP_TOKEN_SCOPE");
    assert.equal((await registry.publish({ token: narrow.body.token, version: "1.0.1" })).status, 201);

    for (const wish of [
      { publisher: "globex", scopes: ["publish"] },
      { publisher: "acme", scopes: ["operate"] },
      { scopes: ["operate"] },
    ])
      assert.equal((await make(wish, token)).body.code, "HTTP_TOKEN_SCOPE", JSON.stringify(wish));
    assert.equal((await make({ publisher: "acme", scopes: ["publish"] }, narrow.body.token)).status, 403);
    assert.equal((await make({ publisher: "acme", scopes: ["publish"], plugins: ["globex.x1"] }, token)).status, 400);
    const manager = await make({ publisher: "acme", scopes: ["manage"] }, token);
    assert.equal((await make({ publisher: "acme", scopes: ["publish"] }, manager.body.token)).status, 403);

    const own = tokenListSchema.parse((await registry.ask("api/v1/tokens", { token })).body);
    assert.ok(own.items.every(({ publisher }) => publisher === "acme"));
    assert.ok(!JSON.stringify(own).includes(narrow.body.token), "a secret is shown once");
    const notMine = await registry.ask(`api/v1/tokens/${narrow.body.id}`, { method: "DELETE", token: foreign });
    assert.equal(notMine.body.code, "REGISTRY_TOKEN_UNKNOWN");
    assert.equal((await registry.ask(`api/v1/tokens/${narrow.body.id}`, { method: "DELETE", token })).status, 204);
    const gone = await registry.publish({ token: narrow.body.token, version: "1.0.2" });
    assert.deepEqual([gone.status, gone.body.code], [401, "HTTP_TOKEN_INVALID"]);
    assert.equal(gone.headers.get("www-authenticate"), "Bearer");
  },
);

testOnEveryStore("a token that may not manage the publisher ends itself and no other", async (registry) => {
  const token = await registry.addPublisher("acme");
  const make = async (body: object): Promise<{ id: string; token: string }> =>
    (await registry.ask("api/v1/tokens", { body: { label: "ci", publisher: "acme", ...body }, token })).body;
  const revoke = (id: string, by: string) => registry.ask(`api/v1/tokens/${id}`, { method: "DELETE", token: by });
  const victim = await make({ scopes: ["manage"] });
  const publishing = await make({ scopes: ["publish"] });
  const narrow = await make({ scopes: ["publish", "manage"], plugins: ["acme.csv-tools"] });
  for (const { id, token: secret } of [publishing, narrow]) {
    const refused = await revoke(victim.id, secret);
    assert.deepEqual([refused.status, refused.body.code], [403, "HTTP_TOKEN_SCOPE"]);
    assert.equal((await revoke("0".repeat(24), secret)).body.code, "HTTP_TOKEN_SCOPE", "it learns of no other");
    assert.equal((await revoke(id, secret)).status, 204);
  }
  assert.equal((await revoke(victim.id, registry.operator)).status, 204);
});

testOnEveryStore(
  "a further key needs a statement of an active one; retired keys vouch for the past only",
  async (registry) => {
    const token = await registry.addPublisher("acme");
    assert.equal((await registry.publish({ token })).status, 201);
    const path = "api/v1/publishers/acme/keys";
    const enrol = (statement: Uint8Array) =>
      registry.ask(path, { token, body: { statement: new TextDecoder().decode(statement) } });
    const statement = { publisher: "acme", newKey: other.publicKey, time };

    assert.equal((await enrol(signKeyStatement(statement, other))).body.code, "TRUST_KEY_UNKNOWN");
    assert.equal(
      (await enrol(signKeyStatement({ ...statement, publisher: "globex" }, acme))).body.code,
      "TRUST_PUBLISHER_WRONG",
    );
    assert.equal(
      (await enrol(signKeyStatement({ ...statement, repository: "else" }, acme))).body.code,
      "TRUST_REPOSITORY_WRONG",
    );
    const release = signRelease(
      { plugin: "acme.x1", version: "1.0.0", contentDigest: `sha256:${"0".repeat(64)}`, time },
      acme,
    );
    assert.equal((await enrol(release)).body.code, "TRUST_PURPOSE_WRONG");
    assert.equal(
      (await registry.publish({ token, version: "1.1.0", key: other })).body.code,
      "REGISTRY_KEY_NOT_ENROLLED",
    );

    const before = (await registry.ask("index/plugins/acme/csv-tools.json")).body.revision as number;
    assert.equal((await enrol(signKeyStatement(statement, acme))).status, 201);
    assert.equal((await enrol(signKeyStatement(statement, acme))).body.code, "REGISTRY_KEY_EXISTS");
    const index = (await registry.ask("index/plugins/acme/csv-tools.json")).body;
    assert.deepEqual([index.publisher.keys.length, index.revision], [2, before + 1]);
    assert.equal((await registry.publish({ token, version: "1.1.0", key: other })).status, 201);

    const retired = await registry.ask(`${path}/${acme.keyId}`, { method: "DELETE", token });
    assert.equal(retired.status, 200);
    assert.ok(publisherSchema.parse(retired.body).keys[0]?.retiredAt !== undefined);
    assert.equal((await registry.publish({ token, version: "1.2.0" })).body.code, "REGISTRY_KEY_NOT_ENROLLED");
    assert.equal(
      (await enrol(signKeyStatement({ ...statement, newKey: generatePublisherKey().publicKey }, acme))).status,
      403,
    );
    assert.equal(
      (await registry.ask(`${path}/${other.keyId}`, { method: "DELETE", token })).body.code,
      "REGISTRY_LAST_KEY",
    );
  },
);

test("tokens that nobody made are refused without a look into the database", () =>
  withRegistry(async (registry) => {
    for (const token of [
      "x",
      "berth_registry_",
      `berth_registry_${"0".repeat(72)}`,
      registry.operator.slice(0, -1),
      "ö",
    ]) {
      const answer = await registry
        .ask("api/v1/tokens", { token })
        .catch(() => ({ status: 401, body: { code: "HTTP_TOKEN_INVALID" } })); // Headers hold no such letters.
      assert.deepEqual([answer.status, answer.body.code], [401, "HTTP_TOKEN_INVALID"], token);
    }
    for (const authorization of ["", "Bearer", "Basic abc", "Bearer a b"])
      assert.equal(
        (await registry.ask("api/v1/tokens", { headers: { authorization } })).body.code,
        "HTTP_TOKEN_MISSING",
        authorization,
      );
  }));

test("the operator's token is made once, and again only when asked for", () =>
  withRegistry(async (registry) => {
    assert.match(registry.operator, /^berth_registry_[0-9a-f]{72}$/);
    const list = await registry.ask("api/v1/tokens", { token: registry.operator });
    assert.equal(list.body.items.length, 1);
  }));

test("a statement bound to another trust domain is refused", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    assert.equal((await registry.publish({ token, repository: "elsewhere" })).body.code, "TRUST_REPOSITORY_WRONG");
    assert.equal((await registry.publish({ token, repository: "berth" })).status, 201);
  }));
