import assert from "node:assert/strict";
import test from "node:test";

import { checkSchema } from "@berth/spec";

const messages = (schema: unknown): string =>
  checkSchema(schema)
    .map(({ path, message }) => `/${path.join("/")} ${message}`)
    .join("\n");

test("accepts the ordinary", () => {
  const schema = {
    type: "object",
    properties: { name: { type: "string", pattern: "^[a-z]+$", maxLength: 10 }, $bytes: { const: 1 } },
    required: ["name"],
    additionalProperties: { $ref: "#/$defs/list" },
    $defs: { list: { type: "array", items: { type: "string" }, uniqueItems: true } },
  };
  assert.equal(messages(schema), "");
  assert.equal(messages(true), "");
});

for (const [what, schema, expected] of [
  [
    "an unknown keyword, with the one that was meant",
    { patern: "x" },
    /"patern" is not part of the dialect; did you mean "pattern"/,
  ],
  ["a reference out of the document", { $ref: "https://example.com/s" }, /reference within the schema/],
  ["a reference to nothing", { $ref: "#/$defs/none" }, /points to no definition/],
  ["a recursion", { $ref: "#/$defs/a", $defs: { a: { items: { $ref: "#/$defs/a" } } } }, /leads back to itself/],
  ["a recursion that nothing uses", { $defs: { a: { not: { $ref: "#/$defs/a" } } } }, /leads back to itself/],
  ["a pattern with a back reference", { pattern: "(a)\\1" }, /RE2 syntax/],
  ["a pattern with look-ahead", { pattern: "(?=a)" }, /RE2 syntax/],
  [
    "more patterns than a host compiles",
    { properties: Object.fromEntries(Array.from({ length: 101 }, (_, at) => [`p${at}`, { pattern: "a" }])) },
    /more than 100 patterns/,
  ],
  ["a pattern that repeats too much", { pattern: "a{600}b{1,600}" }, /1000 repetitions/],
  ["uniqueItems over objects", { uniqueItems: true, items: { type: "object" } }, /quadratic/],
  ["uniqueItems over anything", { uniqueItems: true }, /quadratic/],
  ["a number that is none", { minimum: "1" }, /"minimum" must be a finite number/],
  ["definitions below the top", { items: { $defs: {} } }, /top of a schema only/],
  ["a list as schema", [], /expected a schema/],
] as const) {
  test(`refuses ${what}`, () => {
    assert.match(messages(schema), expected);
  });
}

test("refuses references that write out to an exponential schema, without writing it out", () => {
  const $defs: Record<string, unknown> = { d0: { type: "string" } };
  for (let level = 1; level < 60; level += 1)
    $defs[`d${level}`] = { anyOf: [{ $ref: `#/$defs/d${level - 1}` }, { $ref: `#/$defs/d${level - 1}` }] };
  assert.match(messages({ $ref: "#/$defs/d59", $defs }), /more than 2000 subschemas/);
});

test("refuses nesting beyond 32 levels and text beyond 64 KiB", () => {
  let deep: unknown = true;
  for (let level = 0; level < 40; level += 1) deep = { not: deep };
  assert.match(messages(deep), /more than 32 deep/);
  assert.match(messages({ description: "x".repeat(70_000) }), /at most 65536/);
});

test("counts no repetition where braces name a character or a class", () => {
  assert.equal(messages({ pattern: "^[\\x{4000}-\\x{9000}]\\p{Greek}{1,1000}$" }), "");
});
