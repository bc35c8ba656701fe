import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { get } from "node:http";
import { join } from "node:path";
import test from "node:test";
import { gunzipSync } from "node:zlib";

import { generatePublisherKey } from "@berth/trust";

import { eventually, makePackage, withRegistry } from "./fixture.ts";
import { missingPostgres, withPostgres, withS3 } from "./stores.ts";

const PACKAGE = "packages/acme/csv-tools/acme.csv-tools-1.0.0.berth";

test("documents have tags that change with them, and an unchanged one costs no body", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    await registry.publish({ token });
    for (const path of ["index/plugins/acme/csv-tools.json", "api/v1/plugins/acme.csv-tools"]) {
      const first = await registry.ask(path);
      const etag = first.headers.get("etag") ?? "";
      assert.match(etag, /^"[\w-]+"$/);
      const again = await registry.ask(path, { headers: { "if-none-match": etag } });
      assert.deepEqual([again.status, again.bytes.length], [304, 0]);
      await registry.publish({ token, version: `1.0.${path.length}` });
      assert.equal((await registry.ask(path, { headers: { "if-none-match": etag } })).status, 200);
    }
  }));

test("packages never change: cached for ever, served in parts, counted once whole", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const { body } = await registry.publish({ token });
    const bytes = makePackage();
    const whole = await registry.ask(PACKAGE);
    assert.equal(whole.headers.get("cache-control"), "public, max-age=31536000, immutable");
    assert.equal(whole.headers.get("etag"), `"${(body.fileDigest as string).slice(7)}"`);
    const etag = whole.headers.get("etag") ?? "";
    const part = await registry.ask(PACKAGE, { headers: { range: "bytes=10-19" } });
    assert.equal(part.status, 206);
    assert.equal(part.headers.get("content-range"), `bytes 10-19/${bytes.length}`);
    assert.deepEqual(part.bytes, new Uint8Array(bytes.subarray(10, 20)));
    const rest = await registry.ask(PACKAGE, { headers: { range: `bytes=${bytes.length - 5}-`, "if-range": etag } });
    assert.deepEqual(rest.bytes, new Uint8Array(bytes.subarray(-5)));
    const stale = await registry.ask(PACKAGE, { headers: { range: "bytes=0-4", "if-range": '"other"' } });
    assert.deepEqual([stale.status, stale.bytes.length], [200, bytes.length]);
    const beyond = await registry.ask(PACKAGE, { headers: { range: "bytes=999999-" } });
    assert.deepEqual([beyond.status, beyond.body.code], [416, "HTTP_RANGE_INVALID"]);
    assert.equal((await registry.ask(PACKAGE, { headers: { "if-none-match": etag } })).status, 304);
    assert.equal((await registry.ask(PACKAGE, { method: "HEAD" })).status, 200);
    // Whole were two: the first, and the one whose part was of another file.
    await eventually(async () => (await registry.ask("api/v1/plugins/acme.csv-tools")).body.downloads === 2);
  }));

test("a large index is compressed for readers that take it, under a tag of its own", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    for (let patch = 0; patch < 12; patch += 1) await registry.publish({ token, version: `1.0.${patch}` });
    const url = `${registry.url}/index/plugins/acme/csv-tools.json`;
    const ask = (encoding: string) =>
      new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
        get(url, { headers: { "accept-encoding": encoding } }, (answer) => {
          const parts: Buffer[] = [];
          answer.on("data", (part: Buffer) => parts.push(part));
          answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }));
        }).on("error", reject);
      });
    const plain = await ask("identity");
    const gzipped = await ask("gzip, br");
    assert.equal(plain.headers["content-encoding"], undefined);
    assert.equal(gzipped.headers["content-encoding"], "gzip");
    assert.ok(gzipped.body.length < plain.body.length / 2);
    assert.deepEqual(gunzipSync(gzipped.body), plain.body);
    assert.notEqual(plain.headers["etag"], gzipped.headers["etag"]);
    assert.equal(plain.headers["vary"], "accept-encoding");
  }));

test("the catalogue's page shows what strangers wrote as text, without a script", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const manifest = {
      displayName: '<script>alert("x")</script>',
      description: `"><img src=x onerror=alert(1)> & 'quotes' \u{1F600}${"x".repeat(300)}`,
    };
    assert.equal((await registry.publish({ token, manifest })).status, 201);
    const page = await registry.ask(`?q=${encodeURIComponent("csv")}`);
    assert.equal(page.status, 200);
    const text = page.body as string;
    assert.ok(text.includes("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;"));
    assert.ok(!/<script|<img/.test(text));
    assert.match(page.headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/);
    const empty = await registry.ask(`?q=${encodeURIComponent('"><script>')}`);
    assert.ok(!(empty.body as string).includes("<script>"));
    assert.equal((await registry.ask("reference")).status, 200);
  }));

test("an icon is served as a picture that can do nothing else", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const icon = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="1"/></svg>';
    await registry.publish({ token, manifest: { icon: "icon.svg" }, files: { "icon.svg": icon } });
    const answer = await registry.ask("api/v1/plugins/acme.csv-tools/icon");
    assert.deepEqual([answer.status, answer.body], [200, icon]);
    assert.equal(answer.headers.get("content-type"), "image/svg+xml");
    assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'none'.*sandbox/);
    assert.equal(answer.headers.get("x-content-type-options"), "nosniff");
  }));

test("the description of the API names every route and the problems it answers with", () =>
  withRegistry(async (registry) => {
    const { body } = await registry.ask("openapi.json");
    assert.equal(body.openapi, "3.1.0");
    const paths = Object.keys(body.paths);
    for (const path of [
      "/api/v1/plugins",
      "/api/v1/packages/{publisher}/{name}/{version}",
      "/index/plugins/{publisher}/{file}",
      "/api/v1/changes",
    ])
      assert.ok(paths.includes(path), path);
    assert.ok("application/problem+json" in body.paths["/api/v1/plugins"].get.responses.default.content);
  }));

test("two servers on one database follow each other", { skip: missingPostgres ?? false }, () =>
  withPostgres((database) =>
    withS3((s3) =>
      withRegistry(
        (one) =>
          withRegistry(
            async (two) => {
              const token = await one.addPublisher("acme");
              assert.equal((await one.publish({ token })).status, 201);
              const index = "index/plugins/acme/csv-tools.json";
              await eventually(async () => (await two.ask("api/v1/plugins?q=csv")).body.total.count === 1);
              assert.equal((await two.ask(index)).body.releases.length, 1);
              assert.equal((await two.publish({ token, version: "1.1.0" })).status, 201);
              await eventually(async () => (await one.ask(index)).body.releases.length === 2);
              assert.deepEqual((await two.ask(PACKAGE)).bytes, (await one.ask(PACKAGE)).bytes);
              const other = makePackage({ version: "2.0.0", code: "var berthPlugin = { actions: {} };" });
              const path = "api/v1/packages/acme/csv-tools/2.0.0";
              const both = await Promise.all([
                one.ask(path, { method: "PUT", token, body: makePackage({ version: "2.0.0" }) }),
                two.ask(path, { method: "PUT", token, body: other }),
              ]);
              assert.deepEqual(
                both.map(({ status }) => status).toSorted((a, b) => a - b),
                [201, 409],
              );
            },
            { database, ...s3 },
          ),
        { database, ...s3 },
      ),
    ),
  ),
);

test("a stop lets an upload under way end, and takes no new requests", () =>
  withRegistry(async (registry) => {
    const key = generatePublisherKey();
    const token = await registry.addPublisher("globex", key);
    const publishing = registry.publish({ token, id: "globex.x1", key });
    // Its file is there: the server has begun to take it.
    await eventually(async () => (await readdir(join(registry.dataDir, "uploads"))).length > 0);
    const closing = registry.close();
    assert.equal((await publishing).status, 201);
    await closing;
    await assert.rejects(registry.ask("health"));
  }));
