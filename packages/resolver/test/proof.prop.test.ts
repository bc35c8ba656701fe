import { Catalogue, memorySource } from "@berth/resolver";
import type { ReleaseAnswer } from "@berth/resolver";
import * as fc from "fast-check";
import assert from "node:assert/strict";
import { test } from "node:test";
import { Budget } from "../src/budget.ts";
import type { Incompatibility } from "../src/incompatibility.ts";
import { compileRequest } from "../src/request.ts";
import { Solver } from "../src/solver.ts";
import { contains } from "../src/version-set.ts";
import { allChoices } from "./oracle.ts";
import type { Choice } from "./oracle.ts";
import { smallWorld } from "./small-worlds.ts";

/** Every step of a proof that does not rest on a root, so that it must hold for all choices of releases. */
function stepsWithoutRoots(proof: Incompatibility): Incompatibility[] {
  const restsOnRoot = new Map<Incompatibility, boolean>();
  const visit = (step: Incompatibility): boolean => {
    const known = restsOnRoot.get(step);
    if (known !== undefined) return known;
    const { cause } = step;
    const rests =
      cause.kind === "derived" ? [cause.conflict, cause.other].map(visit).some(Boolean) : cause.kind === "root";
    restsOnRoot.set(step, rests);
    return rests;
  };
  visit(proof);
  return Array.from(restsOnRoot)
    .filter(([, rests]) => !rests)
    .map(([step]) => step);
}

function holdsFor(step: Incompatibility, choice: Choice): boolean {
  return step.terms.every(({ plugin, set }) => {
    const version = choice.get(plugin.name);
    const place = plugin.versions.findIndex(({ text }) => text === version);
    return contains(set, place === -1 ? plugin.absent : place);
  });
}

test("every step of a proof is true of every choice of releases", () => {
  let checked = 0;
  fc.assert(
    fc.property(smallWorld, (world) => {
      const catalogue = new Catalogue();
      const request = compileRequest({ roots: world.roots }, catalogue.vocabulary);
      const solving = new Solver(request, catalogue, new Budget()).solve();
      const source = memorySource(world.lists);
      let step = solving.next();
      while (step.done !== true) {
        catalogue.absorb(step.value.needed, source.load(step.value.needed) as ReleaseAnswer);
        step = solving.next();
      }
      if (step.value.kind !== "conflict") return;
      const steps = stepsWithoutRoots(step.value.proof);
      if (steps.length === 0) return;
      // Yanked releases are barred by what the roots pin, so the choices are made under the same roots' pins.
      for (const choice of allChoices({ ...world, roots: {} })) {
        for (const each of steps) {
          checked += 1;
          assert.ok(!holdsFor(each, choice), "a step of the proof rules out an allowed choice");
        }
      }
    }),
    { numRuns: 600 },
  );
  assert.ok(checked > 1000, `only ${checked} steps were checked`);
});
