import { Catalogue, resolveSync } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeRegistry, serve } from "./builders.ts";

test("takes the highest version that fits, and nothing that nobody needs", () => {
  const registry = serve("a", "1.0.0", { b: "^1.0.0" })
    .serve("a", "1.1.0", { b: "^1.0.0" })
    .serve("b", "1.0.0")
    .serve("b", "1.9.0")
    .serve("b", "2.0.0")
    .serve("unrelated", "1.0.0");
  assert.deepEqual(registry.versions({ a: "*" }), { a: "1.1.0", b: "1.9.0" });
});

test("takes the lowest version that fits when the policy says so", () => {
  const registry = serve("a", "1.0.0-rc.1").serve("a", "1.0.0").serve("a", "2.0.0");
  assert.deepEqual(registry.versions({ a: "*" }, { policy: { direction: "lowest" } }), { a: "1.0.0" });
  const policy = { direction: "lowest", prerelease: "any" } as const;
  assert.deepEqual(registry.versions({ a: "*" }, { policy }), { a: "1.0.0-rc.1" });
});

test("takes a pre-release only where no stable version fits", () => {
  const registry = serve("a", "1.0.0").serve("a", "2.0.0-beta.2").serve("a", "2.0.0-beta.1");
  assert.deepEqual(registry.versions({ a: "*" }), { a: "1.0.0" });
  assert.deepEqual(registry.versions({ a: ">1.0.0" }), { a: "2.0.0-beta.2" });
});

test("goes back on a choice only as far as it must", () => {
  const registry = serve("a", "1.0.0", { c: "^1.0.0" })
    .serve("a", "2.0.0", { c: "^2.0.0" })
    .serve("b", "1.0.0", { c: "^1.0.0" })
    .serve("c", "1.0.0")
    .serve("c", "2.0.0");
  assert.deepEqual(registry.versions({ a: "*", b: "*" }), { a: "1.0.0", b: "1.0.0", c: "1.0.0" });
});

test("accepts circles, and plugins that depend on themselves", () => {
  const circle = serve("a", "1.0.0", { b: "*", a: "^1.0.0" }).serve("b", "1.0.0", { a: "*" });
  assert.deepEqual(circle.versions({ a: "*" }), { a: "1.0.0", b: "1.0.0" });
  const other = serve("a", "1.0.0").serve("a", "2.0.0", { a: "^1.0.0" });
  assert.deepEqual(other.versions({ a: "*" }), { a: "1.0.0" });
});

test("what is locked stays when a new root could use something newer", () => {
  const registry = serve("old", "1.0.0", { shared: "^1.0.0" })
    .serve("shared", "1.0.0")
    .serve("shared", "1.5.0")
    .serve("fresh", "1.0.0", { shared: "^1.0.0" })
    .serve("fresh", "2.0.0", { shared: "^1.5.0" });
  const locked = { old: "1.0.0", shared: "1.0.0" };
  const roots = { old: "*", fresh: "*" };
  assert.deepEqual(registry.versions(roots, { locked }), { old: "1.0.0", shared: "1.0.0", fresh: "1.0.0" });
  assert.deepEqual(registry.versions({ ...roots, fresh: "^2.0.0" }, { locked }), {
    old: "1.0.0",
    shared: "1.5.0",
    fresh: "2.0.0",
  });
});

test("a solution tells who needs whom, and which requirements the policy replaced", () => {
  const solution = serve(
    "a",
    "1.0.0",
    { b: "^1.0.0", c: { range: "*", isLazy: true } },
    { optionalDependencies: { d: "*" } },
  )
    .serve("b", "2.0.0", { d: "*" })
    .serve("c", "1.0.0")
    .serve("d", "1.0.0")
    .solve({ a: "*" }, { policy: { overrides: { b: "2.0.0" } } });
  assert.deepEqual(solution.releases[0], {
    plugin: "a",
    version: "1.0.0",
    needs: [
      { plugin: "b", kind: "dependency", isLazy: false },
      { plugin: "c", kind: "dependency", isLazy: true },
      { plugin: "d", kind: "optional", isLazy: false },
    ],
  });
  assert.deepEqual(solution.overrides, [{ by: "a", plugin: "b", from: "^1.0.0", to: "2.0.0" }]);
});

test("an override replaces a root's range, and with it the pin of a yanked release", () => {
  const registry = serve("a", "1.0.0", {}, { isYanked: true }).serve("a", "2.0.0");
  assert.deepEqual(registry.versions({ a: "1.0.0" }, { policy: { overrides: { a: "*" } } }), { a: "2.0.0" });
});

test("an empty set of roots needs nothing", () => {
  assert.deepEqual(serve("a", "1.0.0").versions({}), {});
});

test("what an earlier resolution read does not change a later one", () => {
  const registry = serve("a", "1.0.0", {}, { optionalDependencies: { b: "<2.0.0" } })
    .serve("b", "1.0.0", { c: "^2.0.0" })
    .serve("b", "2.0.0")
    .serve("c", "1.0.0");
  const catalogue = new Catalogue();
  const source = registry.source();
  const first = resolveSync({ roots: { b: "1.0.0", a: "*" } }, source, { catalogue });
  const second = resolveSync({ roots: { a: "*" } }, source, { catalogue });
  assert.equal(first.kind, "conflict");
  assert.deepEqual(second, new FakeRegistry().serve("a", "1.0.0").resolve({ a: "*" }));
});
