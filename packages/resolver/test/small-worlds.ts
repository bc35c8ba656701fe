import type { Release } from "@berth/resolver";
import * as fc from "fast-check";
import type { SmallWorld } from "./oracle.ts";

const names = ["a", "b", "c", "d", "e"];
const versions = ["1.0.0", "2.0.0-beta.1", "2.0.0", "3.0.0"];
const ranges = [
  "*",
  "1.0.0",
  "2.0.0",
  "3.0.0",
  "2.0.0-beta.1",
  "^1.0.0",
  "^2.0.0",
  ">=2.0.0",
  "<2.0.0",
  "<3.0.0-0",
  "1.0.0 || 3.0.0",
  "^9.0.0",
  "<0.0.0-0",
];

// "ghost" is required but never listed.
const target = fc.constantFrom(...names, ...names, ...names, "ghost");
const requirements = (maxLength: number) =>
  fc
    .array(fc.tuple(target, fc.constantFrom(...ranges)), { maxLength })
    .map((entries) => Object.fromEntries(entries) as Record<string, string>);

const release = (version: string): fc.Arbitrary<Release> =>
  fc.record({
    version: fc.constant(version),
    dependencies: requirements(3),
    optionalDependencies: fc.oneof(
      { weight: 3, arbitrary: fc.constant({}) },
      { weight: 1, arbitrary: requirements(1) },
    ),
    conflicts: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: requirements(1) }),
    isYanked: fc.oneof({ weight: 8, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  });

/** Worlds of five plugins with up to four releases each: small enough to try everything, knotty enough to conflict. */
export const smallWorld: fc.Arbitrary<SmallWorld> = fc.record({
  roots: fc
    .array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...ranges)), { minLength: 1, maxLength: 3 })
    .map((entries) => Object.fromEntries(entries) as Record<string, string>),
  lists: fc.tuple(...names.map(() => fc.subarray(versions, { minLength: 1 }))).chain((chosen) =>
    fc.tuple(
      ...names.map((plugin, index) =>
        fc.record({
          plugin: fc.constant(plugin),
          releases: fc.tuple(...(chosen[index] as string[]).map(release)) as fc.Arbitrary<Release[]>,
        }),
      ),
    ),
  ),
});

/** The verdicts must come from both sides, or a property proves little. */
export interface Tally {
  solutions: number;
  conflicts: number;
}
