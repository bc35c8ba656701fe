import assert from "node:assert/strict";
import test from "node:test";

import type { DialectSchema } from "@berth/spec";
import { encodeValue } from "@berth/wire";

import type { SchemaFault } from "../../src/schema/compile.ts";
import { SchemaThread } from "../../src/schema/node-schema-thread.ts";
import { ValueCheck } from "../../src/schema/value-check.ts";
import { install, makePackage, withHost } from "../fixture.ts";

const elsewhere: SchemaFault = { path: "", message: "checked in another thread" };

/** Where a value is compared with a schema. */
async function placeOf(schema: DialectSchema, value: unknown): Promise<"here" | "elsewhere"> {
  const check = new ValueCheck({ checkValue: async () => elsewhere });
  let isHere = false;
  const fault = await check.faultOf(schema, value, encodeValue(value), () => {
    isHere = true;
    return () => undefined;
  });
  assert.equal(fault === elsewhere, !isHere);
  return isHere ? "here" : "elsewhere";
}

const many = (count: number, schema: object = { minimum: 0 }): object[] => Array.from({ length: count }, () => schema);
const ones = Array.from({ length: 100_000 }, () => 1);
const chain = Object.fromEntries(
  Array.from({ length: 8 }, (_, index) => [
    `d${index}`,
    index === 7 ? { minimum: 0 } : { allOf: many(3, { $ref: `#/$defs/d${index + 1}` }) },
  ]),
);

for (const [what, schema, value] of [
  ["many keywords for many items", { items: { allOf: many(100) } }, ones],
  ["many choices for many items", { items: { enum: Array.from({ length: 900 }, (_, index) => `c${index}`) } }, ones],
  ["references to references", { $defs: chain, items: { $ref: "#/$defs/d0" } }, ones],
  ["a pattern with repetitions of repetitions", { pattern: "([a-z]{1,30}){1,30}[0-9]" }, "a".repeat(10_000)],
  ["patterns for names", { patternProperties: { "(x{1,30}){1,30}": true } }, { ["y".repeat(10_000)]: 1 }],
  ["keywords that take long to compile", { allOf: many(900) }, 1],
] as const) {
  test(`${what} are looked at in another thread`, async () =>
    assert.equal(await placeOf(schema as DialectSchema, value), "elsewhere"));
}

test("what ordinary plugins declare is looked at here", async () => {
  const item = {
    type: "object",
    properties: { name: { type: "string", pattern: "^[a-z]{1,64}$" }, n: { type: "number" } },
  };
  const schema = { type: "object", required: ["rows"], properties: { rows: { type: "array", items: item } } };
  assert.equal(await placeOf(schema, { rows: Array.from({ length: 20 }, () => ({ name: "abc", n: 1 })) }), "here");
  assert.equal(await placeOf(true, ones), "here");
});

test("a plugin's answer that takes for ever to check is refused, and the program goes on meanwhile", () =>
  withHost(async (host) => {
    const code = 'var berthPlugin = { actions: { long: () => "a".repeat(1000000), short: () => "a1" } };';
    const output = { type: "string", pattern: "([a-z]{1,30}){1,30}[0-9]" };
    const actions = { long: { input: true, output }, short: { input: true, output } };
    await install(host, makePackage({ code, manifest: { contributes: { actions } } }));
    let isOver = false;
    const long = host.call("acme.demo", "long", null).finally(() => (isOver = true));
    // Waits in the same line, behind what is ended.
    const short = host.call("acme.demo", "short", null);
    let turns = 0;
    const turn = (): void => {
      turns += 1;
      if (!isOver) setTimeout(turn, 10);
    };
    turn();
    await assert.rejects(long, { code: "HOST_SCHEMA_UNUSABLE" });
    assert.ok(turns > 10, `${turns} turns`);
    assert.equal(await short, "a1");
  }));

test("bytes are compared in another thread as they are here", async () => {
  const thread = new SchemaThread();
  try {
    const { json, bytes } = encodeValue({ data: new Uint8Array([1, 2, 3]), text: "x" });
    assert.equal(await thread.checkValue({ required: ["data", "text"] }, { json, bytes }), undefined);
    assert.equal(
      (await thread.checkValue({ properties: { text: { type: "number" } } }, { json, bytes }))?.path,
      "/text",
    );
  } finally {
    await thread.close();
  }
});
