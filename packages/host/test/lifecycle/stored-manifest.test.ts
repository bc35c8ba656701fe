import assert from "node:assert/strict";
import test from "node:test";

import type { EngineDescriptor } from "@berth/sandbox";
import { MANIFEST_MEMBERS, parseManifest } from "@berth/spec";
import type { Manifest } from "@berth/spec";

import { EventSink } from "../../src/host-event.ts";
import type { StoredFacts } from "../../src/lifecycle/plugin-record.ts";
import { PluginTable } from "../../src/lifecycle/plugin-table.ts";
import { checkMarkOf, makeStoredManifest } from "../../src/lifecycle/stored-manifest.ts";
import type { PluginPolicy } from "../../src/policy.ts";

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

test("an opening host reads no text of the plugins that it takes up", () => {
  const engine = { name: "fake", runtimes: ["javascript"], levels: ["standard"], streams: true } as const;
  const table = new PluginTable({
    policyFor: () => ({ level: "standard" }) as PluginPolicy,
    engines: [engine as unknown as EngineDescriptor],
    events: new EventSink(undefined, () => new Date(0)),
    developmentFolders: new Set(),
  });
  const facts: StoredFacts = {
    // Whoever reads it fails.
    manifest: makeStoredManifest("no JSON", written()),
    version: "1.2.0",
    contentDigest: "sha256:0",
    fileDigest: "sha256:0",
    keyId: "key",
    installedAt: "2026-01-01T00:00:00.000Z",
    state: "enabled",
    registry: undefined,
    developmentFolder: undefined,
    askedRange: undefined,
  };
  table.restore({ id: "acme.demo", facts, stateReason: undefined, fault: undefined, recheck: undefined });
  assert.equal(table.find("acme.demo")?.state, "enabled");
});
