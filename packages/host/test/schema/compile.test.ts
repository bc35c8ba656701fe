import assert from "node:assert/strict";
import test from "node:test";

import { compileSchema } from "../../src/schema/compile.ts";

test("every pattern is held by its own expression, within a schema and across schemas", () => {
  const members = { year: "^[0-9]{4}$", time: "^[0-9]{2}:[0-9]{2}$", word: "^[a-z]+$" };
  const schema = {
    type: "object",
    properties: Object.fromEntries(
      Object.entries(members).map(([name, pattern]) => [name, { type: "string", pattern }]),
    ),
  };
  const check = compileSchema(schema);
  assert.equal(check({ year: "2026", time: "09:00", word: "abc" }), undefined);
  assert.equal(check({ year: "09:00" })?.path, "/year");
  assert.equal(check({ time: "2026" })?.path, "/time");
  assert.equal(check({ word: "2026" })?.path, "/word");
  const other = compileSchema({ type: "string", pattern: "^x$" });
  assert.equal(other("x"), undefined);
  assert.match(other("2026")?.message ?? "", /pattern/);
});

test("a pattern that blocks a backtracking engine answers at once", () => {
  const check = compileSchema({ type: "string", pattern: "^(a+)+$" });
  assert.match(check(`${"a".repeat(50_000)}!`)?.message ?? "", /pattern/);
});
