import { parseUniverse, ResolveError, resolveUniverse } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";

const plain = { registry: { a: { "1.0.0": {} } }, root: { a: "*" } };

/** Expects the file to be refused with a message that names the place. */
function refuses(file: unknown, place: RegExp): void {
  assert.throws(
    () => parseUniverse(typeof file === "string" ? file : JSON.stringify(file)),
    (error: unknown) =>
      error instanceof ResolveError && error.code === "RESOLVE_UNIVERSE_INVALID" && place.test(error.message),
  );
}

test("needs neither an id nor an expectation, and ignores what is about the case", () => {
  const results = (file: object) => resolveUniverse(parseUniverse(JSON.stringify(file)), { clock: () => 0 });
  const expected = [{ kind: "solution", solution: { a: "1.0.0" }, elapsedMs: 0 }];
  assert.deepEqual(results(plain), expected);
  assert.deepEqual(results({ ...plain, id: "x", expected: "anything", origin: 7, lockedMode: "prefer" }), expected);
});

test("reads everything that a request can hold", () => {
  const universe = parseUniverse(
    JSON.stringify({
      registry: {
        a: { "1.0.0": { dependencies: { b: { range: "^1.0.0", lazy: true } }, optionalDependencies: { c: "*" } } },
        b: {
          "1.0.0": {
            conflicts: { d: "*" },
            yanked: true,
            api: "^1.0.0",
            platforms: ["linux-x64"],
            level: "strict",
            publishedAt: "2026-01-01T00:00:00Z",
          },
        },
      },
      root: { a: "*" },
      policy: {
        prerelease: "any",
        direction: "lowest",
        yanked: "allow",
        minimumAgeMs: 5,
        minimumAgeExempt: ["a"],
        overrides: { b: "1.0.0" },
        constraints: { b: "*" },
      },
      locked: { a: "1.0.0" },
      host: { api: "1.0.0", platform: "linux-x64", highestLevel: "isolated" },
      revoked: [{ plugin: "z", range: "*", reason: "malware" }, { plugin: "y" }],
      nowMs: 1_800_000_000_000,
    }),
  );
  assert.deepEqual(universe.request.locked, { a: "1.0.0" });
  assert.equal(universe.request.policy?.direction, "lowest");
  const [result] = resolveUniverse(universe, { clock: () => 0 });
  assert.deepEqual(result?.kind === "solution" && result.solution, { a: "1.0.0", b: "1.0.0" });
});

test("a list of root sets gives results that say which they are for, with the time each took", () => {
  let now = 0;
  const clock = () => (now += 1.5);
  const text = JSON.stringify({ registry: plain.registry, roots: [{ a: "*" }, { a: "^2.0.0" }] });
  const results = resolveUniverse(parseUniverse(text), { clock });
  assert.deepEqual(
    results.map(({ rootIndex, kind, elapsedMs }) => ({ rootIndex, kind, elapsedMs })),
    [
      { rootIndex: 0, kind: "solution", elapsedMs: 1.5 },
      { rootIndex: 1, kind: "conflict", elapsedMs: 1.5 },
    ],
  );
  const [, conflict] = results;
  assert.ok(conflict?.kind === "conflict");
  assert.deepEqual(Object.keys(conflict), ["rootIndex", "kind", "explanation", "core", "fix", "elapsedMs"]);
  assert.equal(conflict.explanation, "You require a ^2.0.0, but no release matches; there is only 1.0.0.");
  assert.deepEqual(conflict.core, ["a"]);
  assert.equal(conflict.fix?.text, "Require a ^1.0.0 instead of ^2.0.0.");
});

test("a conflict without a fix has the fix null, so that it survives as JSON", () => {
  const text = JSON.stringify({ registry: {}, root: { a: "*" } });
  const [result] = resolveUniverse(parseUniverse(text), { clock: () => 0 });
  assert.ok(result?.kind === "conflict");
  assert.equal(result.fix, null);
  assert.equal("rootIndex" in result, false);
});

test("a plugin called __proto__ is a plugin like any other", () => {
  const text = '{"registry":{"__proto__":{"1.0.0":{"dependencies":{"constructor":"*"}}}},"root":{"__proto__":"*"}}';
  const [result] = resolveUniverse(parseUniverse(text), { clock: () => 0 });
  assert.deepEqual(result?.kind === "conflict" && result.core, ["__proto__", "constructor"]);
  const solved = '{"registry":{"__proto__":{"1.0.0":{}}},"root":{"__proto__":"*"}}';
  const [solution] = resolveUniverse(parseUniverse(solved), { clock: () => 0 });
  assert.equal(JSON.stringify(solution), '{"kind":"solution","solution":{"__proto__":"1.0.0"},"elapsedMs":0}');
});

const inRelease = (release: unknown) => ({ ...plain, registry: { a: { "1.0.0": release } } });

const wrong: readonly (readonly [what: string, file: unknown, place: RegExp])[] = [
  ["text that is not JSON", "{", /not JSON/],
  ["a list in place of the universe", [], /the universe is an array/],
  ["null in place of the universe", null, /the universe is null/],
  ["no registry", { root: {} }, /registry is undefined/],
  ["a registry that is a text", { ...plain, registry: "x" }, /registry is "x"/],
  ["neither root nor roots", { registry: {} }, /either root or roots/],
  ["both root and roots", { ...plain, roots: [] }, /either root or roots/],
  ["roots that are no list", { registry: {}, roots: {} }, /roots is an object/],
  ["a root that is no range", { ...plain, root: { a: "newest" } }, /root\["a"\] is "newest"/],
  ["a root that is a number", { ...plain, root: { a: 1 } }, /root\["a"\] is 1/],
  ["a second root set that is wrong", { registry: {}, roots: [{}, { a: "newest" }] }, /roots\[1\]\["a"\]/],
  ["a plugin without a name", { ...plain, registry: { "": {} } }, /registry\[""\]/],
  ["a plugin with an endless name", { ...plain, registry: { ["a".repeat(257)]: {} } }, /1 to 256 characters/],
  ["a plugin that is a list", { ...plain, registry: { a: [] } }, /registry\["a"\] is an array/],
  ["a version that is none", { ...plain, registry: { a: { one: {} } } }, /registry\["a"\]\["one"\]/],
  ["a version with build metadata", { ...plain, registry: { a: { "1.0.0+b": {} } } }, /\["1\.0\.0\+b"\]/],
  ["a release that is a text", inRelease("x"), /\["1\.0\.0"\] is "x"/],
  ["a release with an unknown member", inRelease({ dependancies: {} }), /unknown member "dependancies"/],
  ["dependencies that are a list", inRelease({ dependencies: [] }), /dependencies is an array/],
  ["a dependency that is no range", inRelease({ dependencies: { b: "newest" } }), /dependencies\["b"\] is "newest"/],
  ["a dependency that is a number", inRelease({ dependencies: { b: 1 } }), /dependencies\["b"\] is 1/],
  ["a dependency without a range", inRelease({ dependencies: { b: { lazy: true } } }), /\["b"\]\.range is undefined/],
  ["a dependency that is lazily lazy", inRelease({ dependencies: { b: { range: "*", lazy: 1 } } }), /lazy is not true/],
  ["yanked that is a text", inRelease({ yanked: "no" }), /yanked is not true or false/],
  ["an API range that is none", inRelease({ api: "soon" }), /api is not a version range/],
  ["platforms that are a text", inRelease({ platforms: "linux" }), /platforms is not a list/],
  ["a level that does not exist", inRelease({ level: "paranoid" }), /level is not one of minimal/],
  ["a time that is none", inRelease({ publishedAt: "yesterday" }), /publishedAt is not an ISO instant/],
  ["a policy that is a text", { ...plain, policy: "strict" }, /policy is "strict"/],
  ["a policy with an unknown member", { ...plain, policy: { prereleases: "any" } }, /unknown member "prereleases"/],
  ["a policy with an unknown value", { ...plain, policy: { yanked: "maybe" } }, /policy\.yanked is "maybe"/],
  ["a minimum age below nothing", { ...plain, policy: { minimumAgeMs: -1 } }, /minimumAgeMs is -1/],
  ["a lock that is no version", { ...plain, locked: { a: "^1.0.0" } }, /locked\["a"\] is not a version/],
  ["a lock that is a list", { ...plain, locked: [] }, /locked is an array/],
  ["a host with an unknown member", { ...plain, host: { os: "linux" } }, /unknown member "os"/],
  ["a revocation of nothing", { ...plain, revoked: [{}] }, /revoked\[0\]\.plugin is undefined/],
];

for (const [what, file, place] of wrong) test(`refuses ${what}`, () => refuses(file, place));

test("guesses what a misspelt member was meant to be", () => {
  assert.throws(
    () => parseUniverse(JSON.stringify(inRelease({ dependancies: {} }))),
    (error: unknown) => error instanceof ResolveError && error.hint === 'Did you mean "dependencies"?',
  );
});

test("checks parts of the registry that no root leads to", () => {
  refuses({ ...plain, registry: { ...plain.registry, b: { "1.0.0": { dependencies: { c: "newest" } } } } }, /"b"/);
});
