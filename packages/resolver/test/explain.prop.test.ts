import { memorySource, resolveSync } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { smallWorld } from "./small-worlds.ts";

test("an explanation rests on the core alone, refers only back, and ends with the verdict", () => {
  fc.assert(
    fc.property(smallWorld, (world) => {
      const resolution = resolveSync({ roots: world.roots }, memorySource(world.lists), { seeksFix: false });
      if (resolution.kind === "solution") return;
      const { core, explanation } = resolution;
      for (const fact of explanation.facts) {
        assert.ok(core.includes(fact.plugin));
        assert.ok(!("target" in fact) || core.includes(fact.target));
      }
      const said = new Set<number>();
      for (const { text, number } of explanation.lines) {
        const own = number === undefined ? "" : ` (${number}).`;
        if (number !== undefined) assert.ok(text.endsWith(own), text);
        for (const [, reference] of text.slice(0, -own.length || undefined).matchAll(/ \((\d+)\)/g)) {
          assert.ok(said.has(Number(reference)), explanation.text);
        }
        if (number !== undefined) said.add(number);
      }
      assert.match(explanation.lines.at(-1)?.text ?? "", /there is no solution\.$|^You require .*, but .*\.$/);
      assert.equal(new Set(explanation.lines.map(({ text }) => text)).size, explanation.lines.length, "said twice");
    }),
    { numRuns: 1500 },
  );
});
