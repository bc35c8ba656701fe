import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  complementOf,
  contains,
  countOf,
  equals,
  intersectionOf,
  isDisjoint,
  isSubset,
  unionOf,
} from "../src/version-set.ts";
import type { VersionSet } from "../src/version-set.ts";

const SIZE = 12;

/** The plain meaning of a version set: which of the first places it holds. */
const placesOf = (set: VersionSet) => Array.from({ length: SIZE }, (_, place) => contains(set, place));

function setOf(places: readonly boolean[]): VersionSet {
  const bounds: number[] = [];
  places.forEach((isIn, place) => {
    if (isIn !== (bounds.length % 2 === 1)) bounds.push(place);
  });
  if (bounds.length % 2 === 1) bounds.push(places.length);
  return bounds;
}

const places = fc.array(fc.boolean(), { minLength: SIZE, maxLength: SIZE });

test("a set holds the places it was made of", () => {
  fc.assert(
    fc.property(places, (a) => {
      assert.deepEqual(placesOf(setOf(a)), a);
      assert.equal(countOf(setOf(a)), a.filter(Boolean).length);
    }),
  );
});

test("operations mean what they mean for plain lists, and give canonical sets", () => {
  fc.assert(
    fc.property(places, places, (a, b) => {
      const [x, y] = [setOf(a), setOf(b)];
      assert.deepEqual(unionOf(x, y), setOf(a.map((isIn, place) => isIn || (b[place] as boolean))));
      assert.deepEqual(intersectionOf(x, y), setOf(a.map((isIn, place) => isIn && (b[place] as boolean))));
      assert.deepEqual(complementOf(x, SIZE), setOf(a.map((isIn) => !isIn)));
      assert.equal(
        isSubset(x, y),
        a.every((isIn, place) => !isIn || b[place]),
      );
      assert.equal(
        isDisjoint(x, y),
        a.every((isIn, place) => !isIn || b[place] !== true),
      );
      assert.equal(
        equals(x, y),
        a.every((isIn, place) => isIn === b[place]),
      );
    }),
    { numRuns: 1000 },
  );
});
