import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import test from "node:test";

import { CodedError } from "@berth/base";
import {
  HttpError,
  answerMalformed,
  formatCursor,
  hashToken,
  isTokenShaped,
  makeProblemOf,
  makeToken,
  matchesEtag,
  parseCursor,
  readBearer,
  readByteRange,
} from "@berth/http";
import { problemSchema } from "@berth/spec";
import fc from "fast-check";

test("a token is recognised by prefix and checksum, and one changed character breaks it", () => {
  const { token, hash } = makeToken("berth_registry_");
  assert.ok(isTokenShaped(token, "berth_registry_"));
  assert.equal(hashToken(token), hash);
  assert.ok(!token.includes(hash));
  assert.ok(!isTokenShaped(token, "berth_host_"));
  for (let at = 0; at < token.length; at += 1) {
    const other = token[at] === "0" ? "1" : "0";
    assert.ok(!isTokenShaped(token.slice(0, at) + other + token.slice(at + 1), "berth_registry_"), `character ${at}`);
  }
});

test("a cursor comes back as it was made, and only to its own query", () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 4 }), (position) => {
      assert.deepEqual(parseCursor(formatCursor("query", position), "query", position.length), position);
      assert.throws(() => parseCursor(formatCursor("query", position), "other", position.length), {
        code: "HTTP_CURSOR_INVALID",
      });
      assert.throws(() => parseCursor(formatCursor("query", position), "query", position.length + 1), {
        code: "HTTP_CURSOR_INVALID",
      });
    }),
  );
});

test("no text makes the reader of cursors throw anything but its refusal", () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.base64String(),
        fc.json().map((text) => Buffer.from(text).toString("base64url")),
      ),
      (text) => {
        assert.throws(() => parseCursor(text, "query", 2), { code: "HTTP_CURSOR_INVALID" });
      },
    ),
  );
});

test("ranges follow RFC 9110: first to last, from a place on, and the last so many", () => {
  const read = (header: string | undefined) => readByteRange(header, 100);
  assert.deepEqual(read("bytes=0-9"), { first: 0, last: 9 });
  assert.deepEqual(read("bytes=90-"), { first: 90, last: 99 });
  assert.deepEqual(read("bytes=-10"), { first: 90, last: 99 });
  assert.deepEqual(read("bytes=-1000"), { first: 0, last: 99 });
  assert.deepEqual(read("bytes=50-1000"), { first: 50, last: 99 });
  for (const ignored of [
    undefined,
    "",
    "bytes=",
    "bytes=-",
    "bytes=9-0",
    "bytes=0-1,3-4",
    "items=0-1",
    "bytes=a-b",
    "bytes=0x1-2",
  ])
    assert.equal(read(ignored), undefined, ignored);
  for (const outside of ["bytes=100-", "bytes=100-200", "bytes=-0"])
    assert.throws(() => read(outside), { code: "HTTP_RANGE_INVALID" }, outside);
});

test("entity tags are compared weakly, and a list may name several", () => {
  assert.ok(matchesEtag('"a"', '"a"'));
  assert.ok(matchesEtag('W/"a", "b"', '"a"'));
  assert.ok(matchesEtag("*", '"a"'));
  for (const other of [undefined, "", '"b"', "a", '"a', '"aa"']) assert.ok(!matchesEtag(other, '"a"'), other);
});

test("a bearer token needs its scheme, and nothing after it", () => {
  assert.equal(readBearer("Bearer abc"), "abc");
  assert.equal(readBearer("bearer abc"), "abc");
  for (const header of [undefined, "", "abc", "Bearer", "Bearer ", "Basic abc", "Bearer a b"])
    assert.throws(() => readBearer(header), { code: "HTTP_TOKEN_MISSING" }, header);
});

test("problems carry code and status, and nothing of an unexpected error", () => {
  const problemOf = makeProblemOf({ OWN_CODE: 409 });
  const own = new CodedError(
    { OWN_CODE: { kind: "input", meaning: "", cause: "", remedy: "" } },
    "OWN_CODE",
    "bad\u202e",
    {
      hint: "h",
      details: { a: 1 },
    },
  );
  const problem = problemSchema.parse(problemOf(own));
  assert.deepEqual([problem.status, problem.code, problem.hint, problem.details], [409, "OWN_CODE", "h", { a: 1 }]);
  assert.ok(!problem.detail.includes("\u202e"));
  assert.equal(problemOf(new HttpError("HTTP_RATE_LIMITED", "x")).status, 429);
  assert.equal(problemOf(new HttpError("HTTP_TOKEN_SCOPE", "x")).status, 403);
  const unexpected = problemOf(new Error("password is hunter2"));
  assert.deepEqual([unexpected.status, unexpected.code], [500, "INTERNAL"]);
  assert.ok(!JSON.stringify(unexpected).includes("hunter2"));
  assert.equal(problemSchema.parse(problemOf(new HttpError("HTTP_REQUEST_INVALID", "y".repeat(9_000)))).status, 400);
});

test("what becomes no request is answered with what it lacks, and the connection ends", async () => {
  const server = createServer({ headersTimeout: 100, connectionsCheckingInterval: 50 }, () =>
    assert.fail("this became a request"),
  );
  server.on("clientError", answerMalformed);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    for (const [bytes, status, code] of [
      ["no HTTP at all\r\n\r\n", 400, "HTTP_REQUEST_INVALID"],
      [`GET / HTTP/1.1\r\nhost: a\r\nmore: ${"x".repeat(20_000)}\r\n\r\n`, 431, "HTTP_HEADERS_TOO_LARGE"],
      ["GET / HTTP/1.1\r\nhost: a\r\n", 408, "HTTP_REQUEST_INCOMPLETE"],
    ] as const) {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      socket.write(bytes);
      const parts: Buffer[] = [];
      for await (const part of socket) parts.push(part as Buffer);
      const [head = "", body = ""] = Buffer.concat(parts).toString().split("\r\n\r\n");
      assert.match(head, new RegExp(`^HTTP/1\\.1 ${status} [^]*application/problem\\+json[^]*connection: close`));
      assert.equal(Number(/content-length: (\d+)/.exec(head)?.[1]), Buffer.byteLength(body));
      const problem = problemSchema.parse(JSON.parse(body));
      assert.deepEqual([problem.status, problem.code], [status, code]);
    }
  } finally {
    server.close();
  }
});
