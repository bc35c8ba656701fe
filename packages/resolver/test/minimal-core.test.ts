import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeRegistry, serve } from "./builders.ts";

test("names the plugins of the quarrel and none of the bystanders", () => {
  const { core, explanation } = serve("app", "1.0.0", { log: "*", left: "*", right: "*" })
    .serve("log", "1.0.0", { time: "*" })
    .serve("time", "1.0.0")
    .serve("left", "1.0.0", { shared: "^1.0.0" })
    .serve("right", "1.0.0", { shared: "^2.0.0" })
    .serve("shared", "1.0.0", { time: "*" })
    .serve("shared", "2.0.0", { time: "*" })
    .conflict({ app: "*", log: "*" });
  assert.deepEqual(core, ["app", "left", "right", "shared"]);
  assert.doesNotMatch(explanation.text, /log|time/);
});

test("of two quarrels, explains the one with fewer parties", () => {
  const registry = new FakeRegistry()
    .serve("a", "1.0.0", { shared: "^1.0.0" })
    .serve("b", "1.0.0", { shared: "^2.0.0" })
    .serve("shared", "1.0.0")
    .serve("shared", "2.0.0")
    .serve("z", "1.0.0", { gone: "*" });
  assert.deepEqual(registry.conflict({ a: "*", b: "*", z: "*" }).core, ["gone", "z"]);
});

test("a missing plugin belongs to the core", () => {
  assert.deepEqual(serve("a", "1.0.0", { gone: "*" }).conflict({ a: "*" }).core, ["a", "gone"]);
});
