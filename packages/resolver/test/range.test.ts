import { exactVersionOf, matches, RANGE_MAX_LENGTH, tryParseRange, tryParseVersion } from "@berth/resolver";
import type { Range, Version } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import semver from "semver";
import { areDisjoint, indexesIn, isBelow, isUnlimited } from "../src/range.ts";
import { compareVersions } from "../src/version.ts";

const range = (text: string) => tryParseRange(text) as Range;
const version = (text: string) => tryParseVersion(text) as Version;

test("tells a pin from a range", () => {
  for (const text of ["1.0.0", "=1.0.0", "v1.0.0", ">=1.0.0 <=1.0.0", "* 1.0.0", "1.0.0 || 1.0.0"]) {
    assert.equal(exactVersionOf(range(text))?.text, "1.0.0", text);
  }
  for (const text of ["*", "^1.0.0", "1.0", "1.0.0 || 2.0.0", "1.0.0 2.0.0", ">=1.0.0", "<0.0.0-0"]) {
    assert.equal(exactVersionOf(range(text)), undefined, text);
  }
});

test("knows the ranges that accept everything, and those that accept nothing", () => {
  for (const text of ["*", "", "x", ">=0.0.0-0", "<1.0.0 || >=1.0.0"]) assert.ok(isUnlimited(range(text)), text);
  for (const text of [">=0.0.0", "<9.0.0", "1.0.0 2.0.0"]) assert.ok(!isUnlimited(range(text)), text);
  for (const text of ["<0.0.0-0", "1.0.0 2.0.0", ">2.0.0 <1.0.0", ">1.0.0 <1.0.0"]) {
    assert.equal(range(text).intervals.length, 0, text);
  }
});

test("refuses what is no range, and what is too long to be one", () => {
  for (const text of ["latest", "1.2.3.4", "^^1", ">", "git+ssh://x", "1.0.0 ||| 2", "\u0000"]) {
    if (text === ">") continue;
    assert.equal(tryParseRange(text), undefined, text);
  }
  assert.equal(tryParseRange(" ".repeat(RANGE_MAX_LENGTH + 1)), undefined);
  assert.equal(tryParseRange(Array.from({ length: 300 }, () => "1").join("||")), undefined);
});

test("a version comes before a range when all that the range accepts is higher", () => {
  assert.ok(isBelow(version("0.9.0"), range("^1.0.0")));
  assert.ok(!isBelow(version("1.0.0"), range("^1.0.0")));
  assert.ok(!isBelow(version("3.0.0"), range("^1.0.0")));
});

const versions = ["0.0.0-0", "0.1.0", "1.0.0-alpha", "1.0.0", "1.0.1-rc.1", "1.2.3", "2.0.0-0", "2.0.0", "3.1.4"];
const simple = fc
  .tuple(fc.constantFrom("", "=", ">", ">=", "<", "<=", "^", "~"), fc.constantFrom(...versions, "1", "1.2", "2.x", "*"))
  .map(([operator, bound]) => `${operator}${bound}`);
const hyphen = fc.tuple(fc.constantFrom(...versions), fc.constantFrom(...versions)).map(([a, b]) => `${a} - ${b}`);
const rangeText = fc
  .array(
    fc.oneof(
      fc.array(simple, { minLength: 1, maxLength: 3 }).map((all) => all.join(" ")),
      hyphen,
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((alternatives) => alternatives.join(" || "));

test("accepts exactly what the semver library accepts with pre-releases included", () => {
  fc.assert(
    fc.property(rangeText, fc.constantFrom(...versions), (text, candidate) => {
      const expected = semver.satisfies(candidate, text, { includePrerelease: true });
      assert.equal(matches(range(text), version(candidate)), expected);
    }),
    { numRuns: 3000 },
  );
});

test("finds the same places in a sorted list as testing one by one", () => {
  const sorted = versions.map(version).toSorted(compareVersions);
  fc.assert(
    fc.property(rangeText, (text) => {
      const bounds = indexesIn(range(text), sorted);
      const found = sorted.filter((_, place) => {
        const below = bounds.filter((bound) => bound <= place).length;
        return below % 2 === 1;
      });
      assert.deepEqual(
        found,
        sorted.filter((candidate) => matches(range(text), candidate)),
      );
      bounds.forEach((bound, index) => assert.ok(index === 0 || bound > (bounds[index - 1] as number)));
    }),
    { numRuns: 1000 },
  );
});

test("ranges that share a version are not disjoint", () => {
  fc.assert(
    fc.property(rangeText, rangeText, fc.constantFrom(...versions), (a, b, candidate) => {
      const isInBoth = matches(range(a), version(candidate)) && matches(range(b), version(candidate));
      assert.ok(!isInBoth || !areDisjoint(range(a), range(b)));
      assert.equal(areDisjoint(range(a), range(b)), areDisjoint(range(b), range(a)));
    }),
    { numRuns: 1000 },
  );
  assert.ok(areDisjoint(range("<1.0.0"), range(">=1.0.0")));
  assert.ok(areDisjoint(range("1.0.0 || 3.0.0"), range("2.0.0")));
});
