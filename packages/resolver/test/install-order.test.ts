import { installOrder, requireInstallOrder, ResolveError } from "@berth/resolver";
import type { OrderedRelease } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";

/** `{ a: "b c~" }`: a needs b at once and c later. */
function releases(needs: Readonly<Record<string, string>>): OrderedRelease[] {
  return Object.entries(needs).map(([plugin, words]) => ({
    plugin,
    needs: words
      .split(" ")
      .filter((word) => word !== "")
      .map((word) => ({ plugin: word.replace("~", ""), kind: "dependency", isLazy: word.endsWith("~") })),
  }));
}

test("puts what is needed before who needs it", () => {
  assert.deepEqual(requireInstallOrder(releases({ a: "b c", b: "d", c: "d", d: "" })), ["d", "b", "c", "a"]);
});

test("keeps a circle together, and starts with who does not need the others at once", () => {
  assert.deepEqual(installOrder(releases({ a: "b~", b: "a", c: "a" })), [
    { plugins: ["a", "b"], circle: undefined },
    { plugins: ["c"], circle: undefined },
  ]);
});

test("shows a circle that no lazy need breaks", () => {
  const knot = releases({ a: "b", b: "c d~", c: "b", d: "a" });
  const [group] = installOrder(knot);
  assert.deepEqual(group?.circle, ["b", "c"]);
  assert.throws(
    () => requireInstallOrder(knot),
    (error: unknown) =>
      error instanceof ResolveError &&
      error.code === "RESOLVE_CYCLE" &&
      error.message.endsWith('"b" → "c" → "b"') &&
      assert.deepEqual(error.details, { circle: ["b", "c"] }) === undefined,
  );
});

test("a plugin's need of itself is no circle", () => {
  assert.deepEqual(requireInstallOrder(releases({ a: "a" })), ["a"]);
});

test("a chain of fifty thousand does not exhaust the stack", () => {
  const count = 50_000;
  const chain = Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, `p${index + 1}`]));
  const order = requireInstallOrder(releases({ ...chain, [`p${count}`]: "" }));
  assert.equal(order[0], `p${count}`);
  assert.equal(order.at(-1), "p0");
});

const graph = fc.dictionary(
  fc.constantFrom("a", "b", "c", "d", "e", "f"),
  fc
    .array(fc.constantFrom("a", "b", "c", "d", "e", "f", "a~", "b~", "c~", "d~"), { maxLength: 3 })
    .map((all) => all.join(" ")),
);

test("everything stands once, after all that it needs outside of its circle and at once inside", () => {
  fc.assert(
    fc.property(graph, (needs) => {
      const all = releases(needs);
      const groups = installOrder(all);
      assert.deepEqual(groups.flatMap(({ plugins }) => plugins).toSorted(), Object.keys(needs).toSorted());
      const groupOf = new Map(
        groups.flatMap(({ plugins }, index) => plugins.map((plugin) => [plugin, index] as const)),
      );
      const order = groups.flatMap(({ plugins }) => plugins);
      for (const { plugin, needs: targets } of all) {
        for (const need of targets) {
          if (!groupOf.has(need.plugin) || need.plugin === plugin) continue;
          const [own, other] = [groupOf.get(plugin) as number, groupOf.get(need.plugin) as number];
          assert.ok(other <= own);
          const isStartable = groups[own]?.circle === undefined;
          if (other === own && isStartable && !need.isLazy) {
            assert.ok(order.indexOf(need.plugin) < order.indexOf(plugin));
          }
        }
      }
    }),
    { numRuns: 1000 },
  );
});

test("does not depend on the order in which releases and needs are written", () => {
  fc.assert(
    fc.property(graph, (needs) => {
      const turned = releases(needs)
        .toReversed()
        .map((release) => ({ ...release, needs: release.needs.toReversed() }));
      assert.deepEqual(installOrder(turned), installOrder(releases(needs)));
    }),
  );
});
