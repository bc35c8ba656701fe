import assert from "node:assert/strict";
import test from "node:test";

import fc from "fast-check";

import { structuredClone as ours } from "../src/web/structured-clone.ts";

const value = fc.anything({
  withBigInt: true,
  withBoxedValues: true,
  withDate: true,
  withMap: true,
  withSet: true,
  withSparseArray: true,
  withTypedArray: true,
  withNullPrototype: true,
});

test("values are cloned as Node clones them", () => {
  fc.assert(
    fc.property(value, (given) => {
      assert.deepEqual(ours(given), structuredClone(given));
    }),
    { numRuns: 2_000 },
  );
});
