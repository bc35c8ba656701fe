import { memorySource, resolve, resolveSync } from "@berth/resolver";
import type { ReleaseList, Requirements } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { allChoices, isAllowed, isClosed, isSolvable, restrict } from "./oracle.ts";
import type { Choice, SmallWorld } from "./oracle.ts";
import { smallWorld } from "./small-worlds.ts";

const RUNS = 2500;

test("agrees with exhaustive search on whether there is a solution, and gives one that holds", () => {
  const tally = { solution: 0, conflict: 0 };
  fc.assert(
    fc.property(smallWorld, (world) => {
      const resolution = resolveSync({ roots: world.roots }, memorySource(world.lists), { seeksFix: false });
      tally[resolution.kind] += 1;
      assert.equal(resolution.kind, isSolvable(world) ? "solution" : "conflict");
      if (resolution.kind === "conflict") return;
      assert.ok(isAllowed(resolution.versions, world), "a requirement is broken");
      assert.ok(isClosed(resolution.versions, world), "something is installed that nothing needs");
    }),
    { numRuns: RUNS },
  );
  assert.ok(tally.solution > RUNS / 10 && tally.conflict > RUNS / 10, `one-sided: ${JSON.stringify(tally)}`);
});

test("no solution is better for one root without being worse for another", () => {
  fc.assert(
    fc.property(smallWorld, (world) => {
      const resolution = resolveSync({ roots: world.roots }, memorySource(world.lists), { seeksFix: false });
      if (resolution.kind === "conflict") return;
      const mine = ranks(resolution.versions, world);
      for (const choice of allChoices(world)) {
        const other = ranks(choice, world);
        const isWorseNowhere = other.every((rank, index) => rank >= (mine[index] as number));
        const isBetterSomewhere = other.some((rank, index) => rank > (mine[index] as number));
        assert.ok(!(isWorseNowhere && isBetterSomewhere), `beaten by ${JSON.stringify([...choice])}`);
      }
    }),
    { numRuns: 500 },
  );
});

/** How much the default policy likes the version of each root: stable first, then highest. */
function ranks(choice: Choice, world: SmallWorld): number[] {
  const order = ["2.0.0-beta.1", "1.0.0", "2.0.0", "3.0.0"];
  return Object.keys(world.roots).map((root) => order.indexOf(choice.get(root) as string));
}

test("a core cannot be reconciled by itself, and without any of its members it can", () => {
  let conflicts = 0;
  fc.assert(
    fc.property(smallWorld, (world) => {
      const resolution = resolveSync({ roots: world.roots }, memorySource(world.lists), { seeksFix: false });
      if (resolution.kind === "solution") return;
      conflicts += 1;
      assert.ok(resolution.isCoreMinimal);
      assert.ok(resolution.core.length > 0);
      assert.ok(!isSolvable(restrict(world, new Set(resolution.core))), "the core alone has a solution");
      for (const member of resolution.core) {
        const rest = new Set(resolution.core.filter((name) => name !== member));
        assert.ok(isSolvable(restrict(world, rest)), `${member} could go`);
      }
    }),
    { numRuns: RUNS },
  );
  assert.ok(conflicts > RUNS / 10);
});

test("every fix that is proposed leads to a solution, and to the one that it shows", () => {
  const kinds = new Map<string, number>();
  fc.assert(
    fc.property(smallWorld, (world) => {
      const resolution = resolveSync({ roots: world.roots }, memorySource(world.lists));
      if (resolution.kind === "solution" || resolution.fix === undefined) return;
      const { fix } = resolution;
      for (const { kind } of fix.changes) kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      const roots = Object.fromEntries(Object.entries(fix.roots)) as Record<string, string>;
      const changed = { ...world, roots };
      const shown = new Map(Object.entries(fix.solution));
      assert.ok(isAllowed(shown, changed) && isClosed(shown, changed), fix.text);
      const again = resolveSync({ roots, ...(fix.policy && { policy: fix.policy }) }, memorySource(world.lists));
      assert.equal(again.kind, "solution");
      assert.deepEqual(again.kind === "solution" && Object.fromEntries(again.versions), fix.solution);
    }),
    { numRuns: RUNS },
  );
  for (const kind of ["relax-root", "drop-root", "pin-yanked"])
    assert.ok(kinds.has(kind), `${kind} was never proposed`);
});

test("a fix is found wherever dropping one of several roots would help", () => {
  fc.assert(
    fc.property(smallWorld, (world) => {
      const resolution = resolveSync({ roots: world.roots }, memorySource(world.lists));
      const names = Object.keys(world.roots);
      if (resolution.kind === "solution" || names.length === 1) return;
      const without = (name: string) =>
        Object.fromEntries(Object.entries(world.roots).filter(([each]) => each !== name));
      const helps = names.some((name) => isSolvable({ ...world, roots: without(name) }));
      assert.ok(!helps || resolution.fix !== undefined);
    }),
    { numRuns: 800 },
  );
});

test("the order in which lists, releases, requirements and roots are written changes nothing", () => {
  fc.assert(
    fc.property(smallWorld, fc.integer(), (world, seed) => {
      const random = generator(seed);
      const plain = resolveSync({ roots: world.roots }, memorySource(world.lists));
      const lists = shuffle(random, world.lists).map((list) => shuffleList(random, list));
      const shuffled = resolveSync({ roots: shuffleRecord(random, world.roots) }, memorySource(lists));
      assert.deepEqual(withoutKeyOrder(shuffled), withoutKeyOrder(plain));
    }),
    { numRuns: 1000 },
  );
});

test("a source that answers later gives the same result", async () => {
  await fc.assert(
    fc.asyncProperty(smallWorld, async (world) => {
      const source = memorySource(world.lists);
      const later = await resolve({ roots: world.roots }, { load: async (plugins) => source.load(plugins) });
      assert.deepEqual(later, resolveSync({ roots: world.roots }, source));
    }),
    { numRuns: 300 },
  );
});

/** Only the keys of `fix.roots` follow the order in which the roots were written. */
function withoutKeyOrder(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, member: unknown) => {
      if (member instanceof Map) return [...member];
      if (typeof member !== "object" || member === null || Array.isArray(member)) return member;
      return Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)));
    }),
  );
}

/** A small linear congruential generator: fast-check shrinks its seed with everything else. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function shuffle<Item>(random: (below: number) => number, items: readonly Item[]): Item[] {
  const result = [...items];
  for (let index = result.length - 1; index > 0; index -= 1) {
    const other = random(index + 1);
    [result[index], result[other]] = [result[other] as Item, result[index] as Item];
  }
  return result;
}

function shuffleRecord(random: (below: number) => number, record: Requirements): Requirements {
  return Object.fromEntries(shuffle(random, Object.entries(record)));
}

function shuffleList(random: (below: number) => number, { plugin, releases }: ReleaseList): ReleaseList {
  return {
    plugin,
    releases: shuffle(random, releases).map((release) => ({
      ...release,
      dependencies: shuffleRecord(random, release.dependencies ?? {}),
      optionalDependencies: shuffleRecord(random, release.optionalDependencies ?? {}),
      conflicts: shuffleRecord(random, release.conflicts ?? {}),
    })),
  };
}
