import { compareVersions, tryParseVersion } from "@berth/resolver";
import type { Version } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import semver from "semver";

const parse = (text: string) => tryParseVersion(text) as Version;

test("accepts canonical versions only", () => {
  for (const text of ["0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha.1", "1.0.0-0", "1.0.0-x-y.2"]) {
    assert.equal(tryParseVersion(text)?.text, text);
  }
  for (const text of [
    "",
    "1",
    "1.0",
    "v1.0.0",
    "=1.0.0",
    " 1.0.0",
    "1.0.0 ",
    "1.0.0+build",
    "01.0.0",
    "1.0.0-01",
    "*",
  ]) {
    assert.equal(tryParseVersion(text), undefined, text);
  }
  assert.equal(tryParseVersion(`1.0.${"9".repeat(300)}`), undefined);
});

test("orders versions as clause 11 of semver does", () => {
  const sorted = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1"];
  const all = [...sorted, "1.0.0", "1.0.1-0", "1.0.1", "1.1.0", "2.0.0"].map(parse);
  all.forEach((a, i) => all.forEach((b, j) => assert.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j))));
});

test("orders any two versions like the semver library", () => {
  const identifier = fc.constantFrom("0", "1", "2", "10", "a", "b", "alpha", "x-1");
  const version = fc
    .tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.array(identifier, { maxLength: 3 }))
    .map(([major, minor, patch, pre]) => `${major}.${minor}.${patch}${pre.length > 0 ? `-${pre.join(".")}` : ""}`);
  fc.assert(
    fc.property(version, version, (a, b) => {
      assert.equal(Math.sign(compareVersions(parse(a), parse(b))), semver.compare(a, b));
    }),
  );
});
