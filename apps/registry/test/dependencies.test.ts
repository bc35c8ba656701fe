import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import test from "node:test";

import { withRegistry } from "./fixture.ts";
import type { Answer, TestRegistry } from "./fixture.ts";
import { testOnEveryStore } from "./stores.ts";

type Needs = Readonly<Record<string, string | { range: string; lazy: boolean }>>;
type Release = readonly [id: string, version: string, dependencies?: Needs, more?: object];

async function publisherOf(registry: TestRegistry) {
  const token = await registry.addPublisher("acme");
  return async (...[id, version, dependencies = {}, more = {}]: Release): Promise<Answer> =>
    registry.publish({ token, id, version, manifest: { dependencies, ...more } });
}

/** Packages and uploads in the data directory; the packages of an S3 bucket are elsewhere. */
async function filesOf({ dataDir }: TestRegistry): Promise<string[]> {
  const files = await readdir(dataDir, { recursive: true });
  return files.filter((file) => /^(?:blobs|uploads|public.packages)\b/.test(file)).toSorted();
}

/** What each release is refused for, beside the releases that were published before it. */
const unmet: readonly (readonly [what: string, before: readonly Release[], release: Release, words: RegExp])[] = [
  ["needs a plugin that is not here", [], ["acme.mast", "1.0.0", { "acme.keel": "^1" }], /acme\.keel/],
  [
    "needs a range without a release",
    [["acme.keel", "1.4.0"]],
    ["acme.mast", "1.0.0", { "acme.keel": "^2" }],
    /acme\.keel \^2/,
  ],
  [
    "needs what contradicts itself",
    [
      ["acme.keel", "1.0.0"],
      ["acme.keel", "2.0.0"],
      ["acme.sail", "1.0.0", { "acme.keel": "^1" }],
      ["acme.rope", "1.0.0", { "acme.keel": "^2" }],
    ],
    ["acme.mast", "1.0.0", { "acme.sail": "*", "acme.rope": "*" }],
    /acme\.keel \^1[^]*acme\.keel \^2|acme\.keel \^2[^]*acme\.keel \^1/,
  ],
  [
    "needs what it cannot stand beside",
    [["acme.keel", "1.0.0"]],
    ["acme.mast", "1.0.0", { "acme.keel": "^1" }, { conflicts: { "acme.keel": "*" } }],
    /acme\.keel/,
  ],
  ["cannot stand beside itself", [], ["acme.mast", "1.0.0", {}, { conflicts: { "acme.mast": "*" } }], /acme\.mast/],
  [
    "needs what needs another release of it",
    [
      ["acme.mast", "1.0.0"],
      ["acme.sail", "1.0.0", { "acme.mast": "^1" }],
    ],
    ["acme.mast", "2.0.0", { "acme.sail": "*" }],
    /acme\.mast \^1/,
  ],
];

for (const [what, before, release, words] of unmet) {
  testOnEveryStore(`a release that ${what} is refused, and nothing of it is kept`, async (registry) => {
    const publish = await publisherOf(registry);
    for (const each of before) assert.equal((await publish(...each)).status, 201);
    const filesBefore = await filesOf(registry);
    const refused = await publish(...release);
    assert.deepEqual([refused.status, refused.body.code], [422, "REGISTRY_DEPENDENCIES_UNMET"]);
    assert.match(refused.body.detail, words);
    assert.equal(
      refused.body.detail,
      [refused.body.detail.split("\n")[0], ...refused.body.details.explanation].join("\n"),
    );
    const [id, version] = release;
    const kept = await registry.ask(`api/v1/plugins/${id}/releases/${version}`);
    assert.equal(kept.status, 404);
    const { body } = await registry.ask("api/v1/changes");
    assert.equal(body.items.filter(({ kind }: { kind: string }) => kind === "publish").length, before.length);
    assert.deepEqual(await filesOf(registry), filesBefore);
  });
}

testOnEveryStore("what is missing can be published, and the release after it", async (registry) => {
  const publish = await publisherOf(registry);
  const mast = ["acme.mast", "1.0.0", { "acme.keel": "^1" }] as const;
  assert.equal((await publish(...mast)).status, 422);
  assert.equal((await publish("acme.keel", "1.0.0")).status, 201);
  assert.equal((await publish(...mast)).status, 201);
});

test("of plugins that need each other, the one with the lazy need goes first", () =>
  withRegistry(async (registry) => {
    const publish = await publisherOf(registry);
    assert.equal((await publish("acme.egg", "1.0.0", { "acme.hen": "^1" })).status, 422);
    assert.equal((await publish("acme.hen", "1.0.0", { "acme.egg": { range: "^1", lazy: true } })).status, 201);
    assert.equal((await publish("acme.farm", "1.0.0", { "acme.hen": "^1" })).status, 201);
    assert.equal((await publish("acme.egg", "1.0.0", { "acme.hen": "^1" })).status, 201);
  }));

test("an optional dependency may come later", () =>
  withRegistry(async (registry) => {
    const publish = await publisherOf(registry);
    const more = { optionalDependencies: { "acme.keel": "^1" } };
    assert.equal((await publish("acme.mast", "1.0.0", {}, more)).status, 201);
  }));

test("a release that is there is answered again after its dependency was yanked, a new one is refused", () =>
  withRegistry(async (registry) => {
    const token = await registry.addPublisher("acme");
    const mast = { token, id: "acme.mast", manifest: { dependencies: { "acme.keel": "^1" } } };
    await registry.publish({ token, id: "acme.keel" });
    assert.equal((await registry.publish(mast)).status, 201);
    const body = { reason: "It loses data." };
    const yank = await registry.ask("api/v1/plugins/acme.keel/releases/1.0.0/yank", { method: "PUT", token, body });
    assert.equal(yank.status, 200, JSON.stringify(yank.body));
    assert.equal((await registry.publish(mast)).status, 200);
    const next = await registry.publish({ ...mast, version: "1.1.0" });
    assert.deepEqual([next.status, next.body.code], [422, "REGISTRY_DEPENDENCIES_UNMET"]);
    assert.match(next.body.detail, /yanked/);
  }));

test("a registry whose hosts use others too can be told not to look", () =>
  withRegistry(
    async (registry) => {
      const publish = await publisherOf(registry);
      assert.equal((await publish("acme.mast", "1.0.0", { "elsewhere.keel": "^1" })).status, 201);
    },
    { checkDependencies: false },
  ));
