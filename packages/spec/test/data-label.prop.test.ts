import assert from "node:assert/strict";
import test from "node:test";

import {
  NOWHERE,
  explainDataLabel,
  formatDataLabel,
  makeDataLabel,
  mayLeaveTo,
  meetLabels,
  readDataLabel,
} from "@berth/spec";
import fc from "fast-check";

const HOSTS = ["example.com", "a.example.com", "b.a.example.com", "c.b.a.example.com", "example.org", "localhost"];
const PATTERNS = [...HOSTS, "*.example.com", "*.a.example.com", "*.b.a.example.com", "*.org"];
const label = fc.subarray(PATTERNS).map(makeDataLabel);

test("what two labels have in common is where both let data go, and nothing else", () => {
  fc.assert(
    fc.property(label, label, fc.constantFrom(...HOSTS, "x.example.com", "y.org", "evil.com"), (a, b, host) => {
      assert.equal(mayLeaveTo(meetLabels(a, b), host), mayLeaveTo(a, host) && mayLeaveTo(b, host));
    }),
  );
});

test("labels meet in any order, and with themselves change nothing", () => {
  fc.assert(
    fc.property(label, label, label, (a, b, c) => {
      assert.deepEqual(meetLabels(a, b), meetLabels(b, a));
      assert.deepEqual(meetLabels(meetLabels(a, b), c), meetLabels(a, meetLabels(b, c)));
      assert.deepEqual(meetLabels(a, a), a);
      assert.deepEqual(meetLabels(a, NOWHERE), NOWHERE);
    }),
  );
});

test("a label comes back as it was written, and what is none is the strictest", () => {
  fc.assert(fc.property(label, (a) => assert.deepEqual(readDataLabel(formatDataLabel(a)), a)));
  fc.assert(fc.property(fc.string(), (text) => assert.deepEqual(readDataLabel(text), NOWHERE)));
  for (const text of ["null", "[]", "{}", '{"mayLeaveTo":"*.com"}', '{"mayLeaveTo":[7]}', '{"mayLeaveTo":{"0":"a"}}'])
    assert.deepEqual(readDataLabel(text), NOWHERE);
});

test("a pattern is no host", () => {
  const all = makeDataLabel(["*.example.com"]);
  for (const host of ["*.example.com", "*", "example.com", "", ".example.com", "evilexample.com", "a.example.com."])
    assert.equal(mayLeaveTo(all, host), false, host);
});

test("says where data may go in plain words", () => {
  assert.equal(explainDataLabel(NOWHERE), "may not leave this host");
  assert.equal(explainDataLabel(makeDataLabel(["b.com", "a.com", "a.com"])), "may leave to a.com, b.com only");
});
