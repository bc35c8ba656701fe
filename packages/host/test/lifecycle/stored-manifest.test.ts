import assert from "node:assert/strict";
import test from "node:test";

import { MANIFEST_MEMBERS, parseManifest } from "@berth/spec";
import type { Manifest } from "@berth/spec";

import { checkMarkOf, makeStoredManifest } from "../../src/lifecycle/stored-manifest.ts";

const written = (more: Record<string, unknown> = {}): Manifest =>
  parseManifest(
    Buffer.from(
      JSON.stringify({
        id: "acme.demo",
        version: "1.2.0",
        displayName: "Demo",
        description: "A plugin of the tests.",
        license: "MIT",
        categories: ["utilities"],
        api: "^1.0",
        runtime: { kind: "javascript", entry: "plugin.js" },
        capabilities: ["data_processing"],
        contributes: { actions: { echo: { input: true, output: { type: "string" } } } },
        ...more,
      }),
    ),
  );

const stored = (manifest: Manifest): Manifest =>
  makeStoredManifest(JSON.stringify(manifest), structuredClone(manifest));

test("gives every member of the manifest it stands for", () => {
  const manifests = [
    written(),
    written({
      homepage: "https://example.org/",
      level: "strict",
      dependencies: { "acme.other": "^1", "acme.later": { range: "*", lazy: true } },
      optionalDependencies: { "acme.maybe": "^2" },
      conflicts: { "acme.rival": "*" },
      secrets: ["key"],
      config: { type: "object" },
    }),
  ];
  for (const manifest of manifests)
    for (const member of MANIFEST_MEMBERS) assert.deepEqual(stored(manifest)[member], manifest[member], member);
});

test("is written whole, whoever writes it", () => {
  const manifest = written({ dependencies: { "acme.other": "^1" } });
  assert.equal(JSON.stringify(stored(manifest)), JSON.stringify(manifest));
});

test("nobody changes what manifests without dependencies share", () => {
  const { dependencies } = stored(written());
  assert.throws(() => {
    dependencies["acme.other"] = "^1";
  }, TypeError);
  assert.deepEqual(stored(written()).dependencies, {});
});

test("the mark of checks belongs to one text", () => {
  const text = JSON.stringify(written());
  assert.equal(checkMarkOf(text), checkMarkOf(text));
  assert.notEqual(checkMarkOf(text), checkMarkOf(text.replace("1.2.0", "1.2.1")));
});
