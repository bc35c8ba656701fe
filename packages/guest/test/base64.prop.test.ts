import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { atob as ourAtob, btoa as ourBtoa } from "../src/web/base64-text.ts";

const outcome = (run: (text: string) => string, text: string): string => {
  try {
    return `= ${run(text)}`;
  } catch (error) {
    return (error as Error).name;
  }
};

test("base64 is read and written as Node does", () => {
  const loose = fc.array(fc.constantFrom("A", "z", "9", "+", "/", "=", " ", "\n", "-", "é"), { maxLength: 9 });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.uint8Array(), loose, (text, bytes, pieces) => {
      const binary = String.fromCharCode(...bytes);
      assert.equal(outcome(ourBtoa, text), outcome(btoa, text));
      assert.equal(ourBtoa(binary), btoa(binary));
      assert.equal(ourAtob(btoa(binary)), binary);
      assert.equal(outcome(ourAtob, pieces.join("")), outcome(atob, pieces.join("")));
    }),
    { numRuns: 5_000 },
  );
});
