import assert from "node:assert/strict";
import test from "node:test";

import type { InstalledNode } from "@berth/host";

import { unneededAfter } from "../src/unneeded-after.ts";

const node = (id: string, isAsked: boolean, needs: readonly string[] = []): InstalledNode => ({
  id,
  version: "1.0.0",
  ...(isAsked && { askedRange: "*" }),
  contentDigest: "sha256:0",
  fileDigest: "sha256:0",
  needs: needs.map((each) => ({ id: each, range: "^1", isOptional: false, isLazy: false })),
  isUnneeded: false,
});

const nodes = [
  node("app", true, ["mid"]),
  node("mid", false, ["base"]),
  node("base", false),
  node("other", true, ["base"]),
];

test("names what only those who leave needed", () => {
  assert.deepEqual(unneededAfter(nodes, ["app"]), ["mid"]);
  assert.deepEqual(unneededAfter(nodes, ["app", "other"]), ["base", "mid"]);
  assert.deepEqual(unneededAfter(nodes, ["other"]), []);
  assert.deepEqual(unneededAfter([node("a", false, ["b"]), node("b", false, ["a"])], []), ["a", "b"]);
});

test("names nothing where somebody's needs are unknown", () => {
  const unknown = { ...node("broken", true), areNeedsUnknown: true as const };
  assert.deepEqual(unneededAfter([...nodes, unknown], ["app"]), []);
  assert.deepEqual(unneededAfter([...nodes, unknown], ["app", "broken"]), ["mid"]);
});
