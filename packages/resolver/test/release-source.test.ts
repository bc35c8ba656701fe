import { memorySource, resolve, ResolveError, resolveSync } from "@berth/resolver";
import type { Release, ReleaseAnswer, ReleaseSource } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "./builders.ts";

const code = (expected: string) => (error: unknown) => error instanceof ResolveError && error.code === expected;

/** A source that keeps what it was asked, one list per question. */
function recording(source: ReleaseSource) {
  const loads: string[][] = [];
  const hints: string[][] = [];
  return {
    loads,
    hints,
    load: async (plugins: readonly string[]): Promise<ReleaseAnswer> => {
      loads.push(plugins.toSorted());
      return source.load(plugins);
    },
    prefetch: (plugins: readonly string[]) => {
      hints.push(plugins.toSorted());
    },
  };
}

const tree = () =>
  serve("a", "1.0.0", { c: "*", d: "*" })
    .serve("b", "1.0.0", { d: "*", e: "*" })
    .serve("c", "1.0.0")
    .serve("d", "1.0.0", { f: "*" })
    .serve("e", "1.0.0")
    .serve("f", "1.0.0")
    .serve("unasked", "1.0.0");

test("asks for what it needs at a time in one question, and for nothing twice", async () => {
  const source = recording(tree().source());
  const resolution = await resolve({ roots: { a: "*", b: "*" } }, source);
  assert.equal(resolution.kind, "solution");
  assert.deepEqual(source.loads, [["a", "b"], ["c", "d"], ["e"], ["f"]]);
});

test("hints at what it will probably need next", async () => {
  const source = recording(tree().source());
  await resolve({ roots: { a: "*", b: "*" } }, source);
  assert.deepEqual(source.hints, [[], ["c", "d", "e"], ["e", "f"], ["f"]]);
});

test("never reads the list of an optional dependency or a conflict that nothing requires", async () => {
  const registry = serve("a", "1.0.0", {}, { optionalDependencies: { b: "^1.0.0" }, conflicts: { c: "*" } });
  const source = recording(registry.serve("b", "1.0.0").serve("c", "1.0.0").source());
  await resolve({ roots: { a: "*" } }, source);
  assert.deepEqual(source.loads, [["a"]]);
});

test("what a source throws passes through unchanged", async () => {
  const failure = new Error("the cable is unplugged");
  await assert.rejects(resolve({ roots: { a: "*" } }, { load: () => Promise.reject(failure) }), failure);
  assert.throws(
    () =>
      resolveSync(
        { roots: { a: "*" } },
        {
          load: () => {
            throw failure;
          },
        },
      ),
    failure,
  );
});

test("a synchronous resolution refuses a source that answers later", () => {
  const source: ReleaseSource = { load: async () => ({ lists: [] }) };
  assert.throws(() => resolveSync({ roots: { a: "*" } }, source), code("RESOLVE_SOURCE_ASYNC"));
});

test("an aborted signal ends the resolution with its reason", async () => {
  const reason = new Error("the user left");
  const budget = { signal: AbortSignal.abort(reason) };
  await assert.rejects(resolve({ roots: { a: "*" } }, tree().source(), { budget }), reason);
});

test("refuses a source whose answers come from different states of the registry", async () => {
  let revision = 0;
  const plain = tree().source();
  const source: ReleaseSource = {
    load: async (plugins) => ({ ...(await plain.load(plugins)), revision: String((revision += 1)) }),
  };
  await assert.rejects(resolve({ roots: { a: "*" } }, source), code("RESOLVE_SOURCE_CHANGED"));
});

test("refuses a source that begins to name a revision only later", async () => {
  let isFirst = true;
  const plain = tree().source();
  const source: ReleaseSource = {
    load: async (plugins) => {
      const answer = await plain.load(plugins);
      if (!isFirst) return { ...answer, revision: "7" };
      isFirst = false;
      return answer;
    },
  };
  await assert.rejects(resolve({ roots: { a: "*" } }, source), code("RESOLVE_SOURCE_CHANGED"));
});

test("refuses lists that were not asked for, and two lists for one plugin", () => {
  const answering = (...names: string[]): ReleaseSource => ({
    load: () => ({ lists: names.map((plugin) => ({ plugin, releases: [{ version: "1.0.0" }] })) }),
  });
  assert.throws(() => resolveSync({ roots: { a: "*" } }, answering("a", "b")), code("RESOLVE_LIST_INVALID"));
  assert.throws(() => resolveSync({ roots: { a: "*" } }, answering("a", "a")), code("RESOLVE_LIST_INVALID"));
  const twice = [1, 2].map(() => ({ plugin: "a", releases: [] }));
  assert.throws(() => memorySource(twice), code("RESOLVE_LIST_INVALID"));
});

const malformed: Readonly<Record<string, readonly Release[]>> = {
  "a version that is none": [{ version: "one" }],
  "a version with build metadata": [{ version: "1.0.0+build" }],
  "the same version twice": [{ version: "1.0.0" }, { version: "1.0.0" }],
  "a range that is none": [{ version: "1.0.0", dependencies: { b: "newest" } }],
  "an optional range that is none": [{ version: "1.0.0", optionalDependencies: { b: "newest" } }],
  "a conflict with a range that is none": [{ version: "1.0.0", conflicts: { b: "newest" } }],
  "a dependency without a name": [{ version: "1.0.0", dependencies: { "": "*" } }],
  "a dependency with an endless name": [{ version: "1.0.0", dependencies: { ["b".repeat(257)]: "*" } }],
  "an API range that is none": [{ version: "1.0.0", api: "soon" }],
  "a time that is none": [{ version: "1.0.0", publishedAt: "yesterday" }],
  "too many requirements": [
    {
      version: "1.0.0",
      dependencies: Object.fromEntries(Array.from({ length: 2001 }, (_, index) => [`b${index}`, "*"])),
    },
  ],
};

for (const [what, releases] of Object.entries(malformed)) {
  test(`refuses a list with ${what}`, () => {
    const source = memorySource([{ plugin: "a", releases }]);
    assert.throws(() => resolveSync({ roots: { a: "*" } }, source), code("RESOLVE_LIST_INVALID"));
  });
}

test("refuses a level that does not exist, whatever the types say", () => {
  const releases = JSON.parse('[{"version":"1.0.0","level":"paranoid"}]') as Release[];
  const source = memorySource([{ plugin: "a", releases }]);
  assert.throws(() => resolveSync({ roots: { a: "*" } }, source), code("RESOLVE_LIST_INVALID"));
});

test("a malformed list that nothing needs does no harm", () => {
  const source = memorySource([
    { plugin: "a", releases: [{ version: "1.0.0" }] },
    { plugin: "b", releases: [{ version: "one" }] },
  ]);
  assert.equal(resolveSync({ roots: { a: "*" } }, source).kind, "solution");
});
