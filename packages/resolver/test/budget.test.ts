import { ResolveError, resolveSync } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeRegistry, serve } from "./builders.ts";

/** A search that grows exponentially: more pigeons than holes. */
function trap(count: number): { registry: FakeRegistry; roots: Record<string, string> } {
  const registry = new FakeRegistry();
  const names = Array.from({ length: count + 1 }, (_, index) => `pigeon${index}`);
  names.forEach((name, index) => {
    for (let hole = 1; hole <= count; hole += 1) {
      const conflicts = Object.fromEntries(names.slice(0, index).map((other) => [other, `${hole}.0.0`]));
      registry.serve(name, `${hole}.0.0`, {}, { conflicts });
    }
  });
  return { registry, roots: Object.fromEntries(names.map((name) => [name, "*"])) };
}

function failure(run: () => unknown): ResolveError {
  try {
    run();
  } catch (error) {
    assert.ok(error instanceof ResolveError, String(error));
    return error;
  }
  throw new Error("nothing was thrown");
}

test("stops at its steps and tells what it found out", () => {
  const { registry, roots } = trap(14);
  const error = failure(() => registry.resolve(roots, {}, { budget: { maxSteps: 200_000 } }));
  assert.equal(error.code, "RESOLVE_BUDGET_EXHAUSTED");
  assert.equal(error.kind, "limit");
  assert.ok((error.details?.["steps"] as number) >= 200_000);
  assert.match(error.details?.["explanation"] as string, /cannot be used together/);
  assert.ok(((error.details ?? {})["plugins"] as string[]).length > 1);
});

test("stops at its deadline, by the clock it was given", () => {
  const { registry, roots } = trap(14);
  let now = 0;
  const clock = () => (now += 10);
  const error = failure(() => registry.resolve(roots, {}, { budget: { clock, timeoutMs: 100 } }));
  assert.equal(error.code, "RESOLVE_BUDGET_EXHAUSTED");
  assert.equal(now, 110);
});

test("stops in the same place on every run", () => {
  const { registry, roots } = trap(12);
  const once = () => failure(() => registry.resolve(roots, {}, { budget: { maxSteps: 50_000 } })).details;
  assert.deepEqual(once(), once());
});

test("an abort during the search ends it", () => {
  const { registry, roots } = trap(14);
  const controller = new AbortController();
  let looks = 0;
  const clock = () => {
    looks += 1;
    if (looks === 3) controller.abort(new Error("enough"));
    return 0;
  };
  const budget = { clock, timeoutMs: 1000, signal: controller.signal };
  assert.throws(() => registry.resolve(roots, {}, { budget }), /enough/);
});

test("a conflict that was proved keeps its explanation when the budget ends before core and fix", () => {
  const { registry, roots } = trap(5);
  const whole = registry.conflict(roots);
  const cut = registry.conflict(roots, {}, { budget: { maxSteps: whole.counts.steps + 10 } });
  assert.equal(cut.isCoreMinimal, false);
  assert.equal(cut.fix, undefined);
  assert.ok(cut.core.length > 0);
  assert.match(cut.explanation.text, /there is no solution\.$|too many to print\.$/);
});

test("refuses a timeout without a clock, and a budget of nothing", () => {
  const resolve = (budget: object) => () => resolveSync({ roots: {} }, serve("a", "1.0.0").source(), { budget });
  assert.equal(failure(resolve({ timeoutMs: 5 })).code, "RESOLVE_REQUEST_INVALID");
  assert.equal(failure(resolve({ maxSteps: 0 })).code, "RESOLVE_REQUEST_INVALID");
  assert.equal(failure(resolve({ maxSteps: NaN })).code, "RESOLVE_REQUEST_INVALID");
});

test("thousands of plugins that stay as they are cost a few steps each", () => {
  const registry = new FakeRegistry();
  const names = Array.from({ length: 5_000 }, (_, index) => `plugin${index}`);
  for (const name of names) registry.serve(name, "1.0.0");
  registry.serve("new", "1.0.0", { plugin7: "^1.0.0" });
  const everything = Object.fromEntries(names.map((name) => [name, "1.0.0"]));
  const found = registry.resolve(
    { ...everything, new: "*" },
    { locked: everything },
    { budget: { maxSteps: 10 * names.length } },
  );
  assert.equal(found.kind, "solution");
});
