import { formatLockfile, lockedVersions, parseLockfile, ResolveError, verifyLock } from "@berth/resolver";
import type { LockedRelease, Lockfile, Policy } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { serve } from "./builders.ts";

const HEX = "0123456789abcdef".repeat(4);

function locked(plugin: string, version: string, ...needs: string[]): LockedRelease {
  return {
    plugin,
    version,
    registry: "https://registry.example",
    contentSha256: HEX,
    fileSha256: HEX.replaceAll("0", "f"),
    needs: needs.map((name) => ({ plugin: name, kind: "dependency", isLazy: false })),
  };
}

const lock: Lockfile = {
  requirements: { "acme.charts": "^1.0.0 || ^2.0.0", "acme.tables": "*" },
  releases: [locked("acme.charts", "1.4.0", "acme.core"), locked("acme.core", "2.0.0"), locked("acme.tables", "1.0.0")],
};

const text = `berth-lock 1

require acme.charts ^1.0.0 || ^2.0.0
require acme.tables *

release acme.charts 1.4.0
  registry https://registry.example
  content sha256:${HEX}
  file sha256:${HEX.replaceAll("0", "f")}
  needs acme.core

release acme.core 2.0.0
  registry https://registry.example
  content sha256:${HEX}
  file sha256:${HEX.replaceAll("0", "f")}

release acme.tables 1.0.0
  registry https://registry.example
  content sha256:${HEX}
  file sha256:${HEX.replaceAll("0", "f")}
`;

test("writes the golden text, whatever order it is given", () => {
  assert.equal(formatLockfile(lock), text);
  const turned = {
    requirements: Object.fromEntries(Object.entries(lock.requirements).toReversed()),
    releases: lock.releases.toReversed(),
  };
  assert.equal(formatLockfile(turned), text);
});

test("reads what it wrote", () => {
  assert.deepEqual(parseLockfile(text), lock);
  assert.deepEqual(parseLockfile(text.replaceAll("\n", "\r\n")), lock);
  assert.deepEqual(lockedVersions(lock), { "acme.charts": "1.4.0", "acme.core": "2.0.0", "acme.tables": "1.0.0" });
});

test("an empty lockfile is its first line", () => {
  assert.equal(formatLockfile({ requirements: {}, releases: [] }), "berth-lock 1\n");
  assert.deepEqual(parseLockfile("berth-lock 1\n"), { requirements: {}, releases: [] });
});

test("lines of two plugins never touch, so that branches merge", () => {
  const other = { ...lock, releases: lock.releases.map((release) => ({ ...release })) };
  (other.releases[0] as { version: string }).version = "1.5.0";
  const changed = formatLockfile(other)
    .split("\n")
    .filter((line, index) => line !== text.split("\n")[index]);
  assert.deepEqual(changed, ["release acme.charts 1.5.0"]);
});

const token = fc.stringMatching(/^[a-z][a-z0-9.-]{0,11}$/);
const anyLock: fc.Arbitrary<Lockfile> = fc.uniqueArray(token, { minLength: 1, maxLength: 6 }).chain((names) =>
  fc.record({
    requirements: fc.dictionary(fc.constantFrom(...names), fc.constantFrom("*", "^1.0.0", ">=1 <3", "1.0.0 || 2.0.0"), {
      noNullPrototype: true,
    }),
    releases: fc.tuple(
      ...names.toSorted().map((plugin) =>
        fc.record({
          plugin: fc.constant(plugin),
          version: fc.constantFrom("1.0.0", "2.0.0-beta.1"),
          registry: fc.constantFrom("main", "https://r.example/a?b=c"),
          contentSha256: fc.constant(HEX),
          fileSha256: fc.constant(HEX),
          needs: fc
            .uniqueArray(
              fc.record({
                plugin: fc.constantFrom(...names),
                kind: fc.constantFrom("dependency" as const, "optional" as const),
                isLazy: fc.boolean(),
              }),
              { selector: ({ plugin: name }) => name, maxLength: 3 },
            )
            .map((needs) => needs.toSorted((a, b) => (a.plugin < b.plugin ? -1 : 1))),
        }),
      ),
    ),
  }),
);

test("any lockfile survives writing and reading", () => {
  fc.assert(
    fc.property(anyLock, (generated) => {
      // Plain objects: the generator makes some without a prototype.
      const any = JSON.parse(JSON.stringify(generated)) as Lockfile;
      const written = formatLockfile(any);
      assert.deepEqual(parseLockfile(written), any);
      assert.equal(formatLockfile(parseLockfile(written)), written);
    }),
  );
});

test("text that is changed anywhere is refused or is another lockfile in canonical form", () => {
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.constantFrom("", "\n", " ", "x", "0", "\u0000", "~"), (at, put) => {
      const changed = text.slice(0, at) + put + text.slice(at + 1);
      try {
        assert.equal(formatLockfile(parseLockfile(changed)), changed);
      } catch (error) {
        assert.ok(error instanceof ResolveError && error.code === "RESOLVE_LOCK_INVALID", String(error));
      }
    }),
    { numRuns: 1000 },
  );
});

const broken: Readonly<Record<string, string>> = {
  "an empty file": "",
  "another version": text.replace("berth-lock 1", "berth-lock 2"),
  "a file that was cut short": text.slice(0, -10),
  "a file without its last line end": text.slice(0, -1),
  "marks of a merge conflict": text.replace("release acme.core", "<<<<<<< ours\nrelease acme.core"),
  "a short digest": text.replace(HEX, HEX.slice(1)),
  "a digest in capitals": text.replace(HEX, HEX.toUpperCase()),
  "releases out of order": text.replaceAll("acme.core", "zzz.core"),
  "a release twice": text.replace("release acme.core 2.0.0", "release acme.charts 2.0.0"),
  "a release that needs what is not there": text.replace("needs acme.core", "needs acme.gone"),
  "requirements out of order": text.replace("require acme.charts", "require acme.zebra"),
  "a requirement twice": text.replace("require acme.tables *", "require acme.charts ^3.0.0"),
  "an unknown line": text.replace("  needs acme.core", "  wants acme.core"),
  "a doubled empty line": text.replace("\n\nrelease", "\n\n\nrelease"),
  "a missing empty line": text.replace("\n\nrelease", "\nrelease"),
  "spaces at the end of a line": text.replace("  needs acme.core", "  needs acme.core "),
};

for (const [what, wrong] of Object.entries(broken)) {
  test(`refuses ${what}`, () => {
    assert.notEqual(wrong, text);
    assert.throws(
      () => parseLockfile(wrong),
      (error: unknown) => error instanceof ResolveError && error.code === "RESOLVE_LOCK_INVALID",
    );
  });
}

test("refuses to write what it could not read again", () => {
  for (const plugin of ["two words", "a\nrelease evil", "", "ünïcode"]) {
    assert.throws(
      () => formatLockfile({ requirements: {}, releases: [locked(plugin, "1.0.0")] }),
      (error: unknown) => error instanceof ResolveError && error.code === "RESOLVE_LOCK_INVALID",
      plugin,
    );
  }
});

const registry = () =>
  serve("acme.charts", "1.4.0", { "acme.core": "^2.0.0" })
    .serve("acme.core", "2.0.0")
    .serve("acme.core", "2.1.0")
    .serve("acme.tables", "1.0.0");

/** The problems that a frozen check finds. */
async function problemsOf(frozen: Lockfile, roots = frozen.requirements, policy: Policy = {}, source = registry()) {
  try {
    await verifyLock(frozen, { roots, policy }, source.source());
    return [];
  } catch (error) {
    assert.ok(error instanceof ResolveError && error.code === "RESOLVE_LOCK_STALE", String(error));
    return error.details?.["problems"];
  }
}

test("a frozen lock holds although there is something newer", async () => {
  assert.deepEqual(await problemsOf(lock), []);
});

test("a frozen lock names every way in which it no longer fits", async () => {
  assert.deepEqual(await problemsOf(lock, { "acme.charts": "^1.0.0 || ^2.0.0", "acme.tables": "^2.0.0" }), [
    'You require "acme.tables" "^2.0.0", and it was made for "*".',
    "You require acme.tables ^2.0.0, but 1.0.0 is chosen.",
  ]);
  const { "acme.tables": _, ...fewer } = lock.requirements;
  assert.deepEqual(await problemsOf(lock, fewer as Lockfile["requirements"]), [
    'It was made for "acme.tables", which you do not require.',
    "Nothing needs acme.tables 1.0.0.",
  ]);
  assert.deepEqual(await problemsOf(lock, { ...lock.requirements, "acme.new": "*" }), [
    'You require "acme.new", which it was not made for.',
    "You require acme.new, but it is missing.",
  ]);
  assert.deepEqual(await problemsOf(lock, lock.requirements, { constraints: { "acme.core": "^2.1.0" } }), [
    "acme.core 2.0.0 is chosen, but your policy admits only acme.core ^2.1.0.",
  ]);
});

test("a frozen lock notices what the registry took back", async () => {
  const yanked = serve("acme.charts", "1.4.0", { "acme.core": "^2.1.0" })
    .serve("acme.core", "2.0.0", {}, { isYanked: true })
    .serve("acme.tables", "1.0.1");
  assert.deepEqual(await problemsOf(lock, lock.requirements, {}, yanked), [
    "acme.tables 1.0.0 is not in the registry.",
    "You require acme.tables, but it is missing.",
    "acme.charts 1.4.0 depends on acme.core ^2.1.0, but 2.0.0 is chosen.",
    "acme.core 2.0.0 is chosen, but acme.core 2.0.0 is yanked.",
  ]);
});
