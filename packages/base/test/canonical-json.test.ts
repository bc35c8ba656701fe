import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { canonicalJson } from "@berth/base";
import type { Json } from "@berth/base";

test("sorts members and leaves no space", () => {
  assert.equal(canonicalJson({ b: [1, -0, "é"], a: null, "": true }), '{"":true,"a":null,"b":[1,0,"é"]}');
});

test("refuses what JSON cannot carry", () => {
  const odd: unknown[] = [new Date(0), new Map([["a", 1]]), new Uint8Array(1), undefined, () => 1, 1n];
  const withHole: unknown[] = [];
  withHole[1] = 1;
  odd.push(withHole, { a: undefined }, { "\udc00": 1 });
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, "\ud800", ...odd])
    assert.throws(() => canonicalJson(value as Json), TypeError, String(value));
});

test("parses back to the same value, whatever the order of members", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      if (!JSON.stringify(value).isWellFormed()) return;
      const text = canonicalJson(value as Json);
      assert.equal(canonicalJson(JSON.parse(text) as Json), text);
    }),
  );
});
