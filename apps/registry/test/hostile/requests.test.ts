import assert from "node:assert/strict";
import { connect } from "node:net";
import test from "node:test";

import { problemSchema } from "@berth/spec";
import fc from "fast-check";

import { withRegistry } from "../fixture.ts";

const OPERATORS = [
  "AND",
  "OR",
  "NOT",
  "NEAR(",
  ")",
  "(",
  '"',
  "'",
  "*",
  ":",
  "{name} :",
  "^",
  "-",
  "+",
  "k :",
  "\0",
  "%00",
  "ж",
  "--",
  ";",
];

const hostileText = fc.oneof(
  fc
    .array(fc.oneof(fc.constantFrom(...OPERATORS), fc.string({ maxLength: 6 }), fc.constant(" ")), { maxLength: 12 })
    .map((parts) => parts.join(" ")),
  fc.string({ maxLength: 60, unit: "binary" }),
  fc.string({ maxLength: 60, unit: "grapheme" }),
);

test("10,000 hostile queries are answered or refused, and none fails", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    assert.equal((await registry.publish({ token })).status, 201);
    const seen = new Map<number, number>();
    const check = async (query: string): Promise<void> => {
      const { status, body } = await registry.ask(`api/v1/plugins?${query}`);
      seen.set(status, (seen.get(status) ?? 0) + 1);
      assert.ok(status === 200 || status === 400, `${status} for ${query}: ${JSON.stringify(body)}`);
    };
    const encode = (text: string): string => encodeURIComponent(text.toWellFormed());
    const names = fc.constantFrom("q", "q", "q", "category", "tag", "sort", "cursor", "limit", "level", "nonsense");
    const query = fc.array(fc.tuple(names, hostileText), { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(fc.array(query, { minLength: 20, maxLength: 20 }), async (batch) => {
        await Promise.all(
          batch.map((pairs) => check(pairs.map(([name, text]) => `${name}=${encode(text)}`).join("&"))),
        );
      }),
      { numRuns: 500 },
    );
    assert.equal(
      [...seen.values()].reduce((a, b) => a + b, 0),
      10_000,
    );
    assert.ok((seen.get(200) ?? 0) > 1_000, "many of them are real searches");
    // Raw bytes that no client would send.
    for (const raw of [
      "q=%",
      "q=%ff%fe",
      "q=%00",
      "q=a&q=b",
      "q[]=a",
      "q.length=1",
      "__proto__=1",
      "limit=1e9",
      "limit=-1",
      "limit=0x10",
    ])
      await check(raw);
  }));

const PATHS = [
  "api/v1/plugins/..%2f..%2fetc",
  "packages/acme/csv-tools/..%2f..%2f..%2fcatalogue.sqlite",
  "packages/acme/csv-tools/acme.csv-tools-1.0.0.berth%00",
  "packages/acme/..%2fcsv-tools/x",
  "index/plugins/acme/csv-tools.json.json",
  "index/plugins/acme/%2e%2e.json",
  "index/plugins/__proto__/constructor.json",
  "api/v1/plugins/constructor.prototype",
  `api/v1/plugins/${"a".repeat(5_000)}`,
  "api/v1/plugins/acme.csv-tools/releases/1.0.0+build",
  "api/v1/plugins/acme.csv-tools/releases/../../x",
  "api/v1/changes?after=-1",
  "api/v1/changes?limit=100000",
  "api/v1/changes?after=9007199254740993",
  "%",
  "%ff",
  "..%2f..%2f",
];

test("paths that lead nowhere are refused with a problem, never with a file or a failure", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    await registry.publish({ token });
    for (const path of PATHS) {
      for (const method of ["GET", "PUT", "POST", "DELETE", "PATCH"]) {
        const { status, body, headers } = await registry.ask(path, { method });
        assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`);
        assert.match(headers.get("content-type") ?? "", /problem\+json/, `${method} ${path}`);
        problemSchema.parse(body);
      }
    }
  }));

test("bytes that are no HTTP are answered with a problem, and the connection ends", () =>
  withRegistry(async (registry) => {
    const { hostname, port } = new URL(registry.url);
    for (const bytes of ["no HTTP at all\r\n\r\n", "GET / HTTP/1.1\r\nno colon\r\n\r\n", "\0\0\0\0"]) {
      const socket = connect(Number(port), hostname);
      socket.end(bytes);
      const parts: Buffer[] = [];
      for await (const part of socket) parts.push(part as Buffer);
      const [head = "", body = ""] = Buffer.concat(parts).toString().split("\r\n\r\n");
      assert.match(head, /^HTTP\/1\.1 400 [^]*application\/problem\+json/);
      assert.equal(problemSchema.parse(JSON.parse(body)).code, "HTTP_REQUEST_INVALID");
    }
  }));

test("malformed, oversize and misdirected bodies are refused", () =>
  withRegistry(async (registry) => {
    const send = async (body: string, type = "application/json") => {
      const response = await fetch(`${registry.url}/api/v1/tokens`, {
        method: "POST",
        headers: { authorization: `Bearer ${registry.operator}`, "content-type": type },
        body,
      });
      return { status: response.status, code: ((await response.json()) as { code: string }).code };
    };
    for (const body of [
      "",
      "{",
      "null",
      "[]",
      '"x"',
      "1e999",
      `${"[".repeat(50_000)}`,
      '{"__proto__":{"a":1}}',
      '{"scopes":[]}',
      '{"scopes":["operate"],"label":"x","extra":1}',
    ])
      assert.deepEqual(await send(body), { status: 400, code: "HTTP_REQUEST_INVALID" }, body.slice(0, 40));
    assert.deepEqual(await send(`{"label":"${"x".repeat(70_000)}"}`), { status: 413, code: "HTTP_BODY_TOO_LARGE" });
    assert.deepEqual(await send("a=b", "application/x-www-form-urlencoded"), {
      status: 400,
      code: "HTTP_REQUEST_INVALID",
    });
    assert.deepEqual(await send("<a/>", "text/xml"), { status: 400, code: "HTTP_REQUEST_INVALID" });
    assert.deepEqual(await send("{}", "text/plain"), { status: 400, code: "HTTP_REQUEST_INVALID" });
  }));

test("requests beyond the limit are refused with the time to wait, and other kinds go on", () =>
  withRegistry(
    async (registry) => {
      const answers = [];
      for (let at = 0; at < 6; at += 1) answers.push(await registry.ask("index/registry.json"));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200, 200, 200, 429, 429],
      );
      const [first, , , , refused] = answers;
      assert.equal(first?.headers.get("ratelimit-limit"), "4");
      assert.equal(refused?.body.code, "HTTP_RATE_LIMITED");
      assert.ok(Number(refused?.headers.get("retry-after")) > 0);
      assert.equal((await registry.ask("nothing-here")).status, 429, "what is not there counts too");
      assert.equal((await registry.ask("api/v1/plugins")).status, 200);
      assert.equal((await registry.ask("health")).status, 200);
    },
    { readsPerMinute: 4 },
  ));
