import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "./builders.ts";

test("proposes a range that starts at the version that works", () => {
  const { fix } = serve("a", "1.0.0", { shared: "^1.0.0" })
    .serve("a", "2.0.0", { shared: "^2.0.0" })
    .serve("shared", "1.0.0")
    .serve("shared", "2.0.0")
    .conflict({ a: "^1.0.0", shared: "^2.0.0" });
  assert.equal(fix?.text, "Require a ^2.0.0 instead of ^1.0.0.");
  assert.deepEqual(fix?.roots, { a: "^2.0.0", shared: "^2.0.0" });
  assert.deepEqual(fix?.solution, { a: "2.0.0", shared: "2.0.0" });
});

test("prefers to move a root forward over moving one back", () => {
  const { fix } = serve("a", "1.0.0", { shared: "^1.0.0" })
    .serve("a", "2.0.0", { shared: "^2.0.0" })
    .serve("b", "1.0.0", { shared: "^1.0.0" })
    .serve("b", "2.0.0", { shared: "^2.0.0" })
    .serve("shared", "1.0.0")
    .serve("shared", "2.0.0")
    .conflict({ b: "^1.0.0", a: "^2.0.0" });
  assert.equal(fix?.text, "Require b ^2.0.0 instead of ^1.0.0.");
});

test("names two changes where one is not enough", () => {
  const { fix } = serve("a", "1.0.0", { gone: "*" })
    .serve("a", "2.0.0")
    .serve("b", "1.0.0", { gone: "*" })
    .serve("b", "2.0.0")
    .conflict({ a: "^1.0.0", b: "^1.0.0" });
  assert.equal(fix?.changes.length, 2);
  assert.deepEqual(fix?.solution, { a: "2.0.0", b: "2.0.0" });
});

test("does without a root rather than without all of them", () => {
  const registry = serve("a", "1.0.0", { gone: "*" }).serve("b", "1.0.0");
  assert.equal(registry.conflict({ a: "*", b: "*" }).fix?.text, "Do without a.");
  assert.equal(registry.conflict({ a: "*" }).fix, undefined);
});

test("lifts only the rule that stands in the way", () => {
  const registry = serve("a", "1.0.0", { b: "*" }).serve("b", "1.0.0-rc.1");
  const { fix } = registry.conflict({ a: "*" }, { policy: { prerelease: "never", direction: "lowest" } });
  assert.equal(fix?.text, "Let your policy admit pre-releases.");
  assert.deepEqual(fix?.policy, { prerelease: "stable-first", direction: "lowest" });
});

test("never proposes what a revocation or the host forbids", () => {
  const registry = serve("a", "1.0.0", {}, { api: "^2.0.0" });
  assert.equal(registry.conflict({ a: "*" }, { host: { api: "1.0.0" } }).fix, undefined);
  assert.equal(registry.conflict({ a: "*" }, { revoked: [{ plugin: "a" }] }).fix, undefined);
});

test("leaves the request that it was given alone", () => {
  const policy = Object.freeze({ constraints: Object.freeze({ a: "<2.0.0" }) });
  const roots = Object.freeze({ a: "^2.0.0" });
  const { fix } = serve("a", "2.0.0").conflict(roots, { policy });
  assert.equal(fix?.text, "Drop your policy's constraint on a (<2.0.0).");
  assert.deepEqual(policy, { constraints: { a: "<2.0.0" } });
});

test("can be switched off", () => {
  const resolution = serve("a", "1.0.0").conflict({ a: "^2.0.0" }, {}, { seeksFix: false });
  assert.equal(resolution.fix, undefined);
});
