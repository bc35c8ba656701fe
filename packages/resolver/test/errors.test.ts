import { exitCodeOf, isCodedError } from "@berth/base";
import { ResolveError, resolveErrors } from "@berth/resolver";
import type { ResolveErrorCode } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";

const codes = Object.keys(resolveErrors) as ResolveErrorCode[];

test("every code has the package's prefix and a full row", () => {
  for (const code of codes) {
    assert.match(code, /^RESOLVE_[A-Z_]+$/);
    const { meaning, cause, remedy } = resolveErrors[code];
    for (const sentence of [meaning, cause, remedy]) assert.match(sentence, /^[A-Z].*\.$/);
  }
});

test("the kind of a code decides the exit code", () => {
  const exitCode = (code: ResolveErrorCode) => exitCodeOf(new ResolveError(code, "x"));
  assert.equal(exitCode("RESOLVE_UNIVERSE_INVALID"), 3);
  assert.equal(exitCode("RESOLVE_BUDGET_EXHAUSTED"), 5);
  assert.equal(exitCode("RESOLVE_SOURCE_CHANGED"), 6);
  assert.ok(isCodedError(new ResolveError("RESOLVE_CYCLE", "x")));
});
