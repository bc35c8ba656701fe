import assert from "node:assert/strict";
import test from "node:test";

import { unneededAfter } from "@berth/host";
import type { InstalledNode } from "@berth/host";

import { graphOfTen, installGraph, withWorld } from "./builders.ts";

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

test("preview and receipt of an uninstall name what nobody needs any more", () =>
  withWorld(graphOfTen(), async ({ host }) => {
    await installGraph(host, { "acme.top": "*", "acme.text": "*" });
    const { unneeded } = await host.previewUninstall("acme.top");
    assert.deepEqual(unneeded, ["acme.core", "acme.left", "acme.own", "acme.right", "beta.table"]);
    assert.deepEqual((await host.previewUninstall("beta.marks")).unneeded, []);
    assert.deepEqual((await host.uninstall("acme.top")).unneeded, unneeded);
    const receipts = await host.uninstallAll(["acme.left", "acme.right"]);
    assert.deepEqual(
      receipts.map((receipt) => receipt.unneeded),
      Array.from({ length: 2 }, () => ["acme.core", "acme.own", "beta.table"]),
    );
  }));
