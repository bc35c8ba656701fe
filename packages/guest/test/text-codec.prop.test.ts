import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { GuestTextDecoder, GuestTextEncoder } from "../src/text-codec.ts";

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  // Mostly what begins, goes on with and ends characters.
  fc.array(fc.constantFrom(0xef, 0xbb, 0xbf, 0xe0, 0x80, 0xf0, 0x90, 0xc2, 0xed, 0xa0, 0x41, 0xf4, 0x8f), {
    maxLength: 12,
  }),
);

test("bytes in parts are read as Node reads them", () => {
  fc.assert(
    fc.property(fc.array(bytes, { maxLength: 5 }), fc.boolean(), (parts, ignoreBOM) => {
      const [a, b] = [new GuestTextDecoder("utf-8", { ignoreBOM }), new TextDecoder("utf-8", { ignoreBOM })];
      for (const part of parts) {
        const given = Uint8Array.from(part);
        assert.equal(a.decode(given, { stream: true }), b.decode(given, { stream: true }));
      }
      assert.equal(a.decode(), b.decode());
      assert.equal(
        a.decode(Uint8Array.from(parts.flatMap((part) => [...part]))),
        b.decode(Uint8Array.from(parts.flatMap((part) => [...part]))),
      );
    }),
    { numRuns: 5_000 },
  );
});

test("text is written as Node writes it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.deepEqual(new GuestTextEncoder().encode(text), new TextEncoder().encode(text));
    }),
    { numRuns: 2_000 },
  );
});
