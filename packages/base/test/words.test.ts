import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import {
  CodedError,
  editDistance,
  exitCodeOf,
  formatBase64,
  nearMiss,
  quote,
  reportOf,
  sanitize,
  tryParseBase64,
} from "@berth/base";

const table = { DEMO_DENIED: { kind: "denied", meaning: "m", cause: "c", remedy: "r" } } as const;

test("an error's kind decides its exit code", () => {
  assert.equal(exitCodeOf(new CodedError(table, "DEMO_DENIED", "no")), 4);
  assert.equal(exitCodeOf(new Error("anything")), 70);
});

test("a report carries code and words, never a stack or a foreign message", () => {
  assert.deepEqual(
    reportOf(new CodedError(table, "DEMO_DENIED", "no", { hint: "ask", cause: new Error("/secret/path") })),
    {
      code: "DEMO_DENIED",
      message: "no",
      hint: "ask",
    },
  );
  assert.deepEqual(reportOf(new Error("/secret/path")), {
    code: "INTERNAL",
    message: "An unexpected error inside Berth",
  });
});

test("text from outside cannot move the cursor or hide", () => {
  assert.equal(sanitize("a\u001b[2Jb\u202ec\u200b"), "a\\x1b[2Jb\\u{202e}c\\u{200b}");
  assert.equal(quote("x".repeat(200), 10).length, 11);
  assert.equal(quote({ a: 1 }), "an object");
});

test("suggests the word that was probably meant, and none when nothing is close", () => {
  assert.equal(nearMiss("instal", ["install", "list"]), "install");
  assert.equal(nearMiss("xyz", ["install", "list"]), undefined);
  assert.equal(editDistance("ab", "ba"), 1);
});

test("base64 has one text for each value", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.deepEqual(tryParseBase64(formatBase64(bytes)), new Uint8Array(bytes));
    }),
  );
  for (const other of ["YQ", "YQ= =", "YR==", " YQ==", "!"]) assert.equal(tryParseBase64(other), undefined);
});
