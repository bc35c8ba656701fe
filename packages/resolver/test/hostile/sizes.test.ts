import { memorySource, RANGE_MAX_LENGTH, ResolveError, resolveSync, tryParseRange } from "@berth/resolver";
import type { Release } from "@berth/resolver";
import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeRegistry } from "../builders.ts";

const MANY = 10_000;
const versions = Array.from({ length: MANY }, (_, index) => `1.${index}.0`);

function release(version: string, dependencies: Record<string, string>): Release {
  return { version, dependencies };
}

/** Work is counted, not timed: a count is the same on every machine. */
function stepsOf(lists: Parameters<typeof memorySource>[0], roots: Record<string, string>): number {
  return resolveSync({ roots }, memorySource(lists), { seeksFix: false }).counts.steps;
}

test("ten thousand versions that all fit cost no more than one", () => {
  const big = { plugin: "big", releases: versions.map((version) => release(version, { small: "*" })) };
  const small = { plugin: "small", releases: [release("1.0.0", {})] };
  assert.ok(stepsOf([big, small], { big: "*" }) < 50);
});

test("ten thousand versions that all ask for the same missing thing are refused at once", () => {
  const big = { plugin: "big", releases: versions.map((version) => release(version, { gone: "*" })) };
  assert.ok(stepsOf([big], { big: "*" }) < 50);
});

test("ten thousand versions with ten different dead ends are refused in ten steps", () => {
  const releases = versions.map((version, index) => release(version, { [`gone${index % 10}`]: "*" }));
  assert.ok(stepsOf([{ plugin: "big", releases }], { big: "*" }) < 200);
});

test("ten thousand versions that each need another one of ten thousand end in a proof or at the budget", () => {
  const pinned = (target: string, shift: number) =>
    versions.map((version, index) => release(version, { [target]: versions[(index + shift) % MANY] as string }));
  const lists = [
    { plugin: "a", releases: versions.map((version) => release(version, { b: version, c: version })) },
    { plugin: "b", releases: pinned("d", 0) },
    { plugin: "c", releases: pinned("d", 1) },
    { plugin: "d", releases: versions.map((version) => release(version, {})) },
  ];
  assert.throws(
    () => resolveSync({ roots: { a: "*" } }, memorySource(lists), { budget: { maxSteps: 2_000_000 } }),
    (error: unknown) => error instanceof ResolveError && error.code === "RESOLVE_BUDGET_EXHAUSTED",
  );
});

test("more versions than anybody has are refused", () => {
  const releases = Array.from({ length: 20_001 }, (_, index) => release(`1.${index}.0`, {}));
  assert.throws(
    () => resolveSync({ roots: { big: "*" } }, memorySource([{ plugin: "big", releases }])),
    (error: unknown) => error instanceof ResolveError && error.code === "RESOLVE_LIST_INVALID",
  );
});

test("absurd ranges are refused or read, but never hang", () => {
  const absurd = [
    "||".repeat(2000),
    "1.0.0 ".repeat(600),
    `>=${"9".repeat(200)}.0.0`,
    `^1.0.0-${"a.".repeat(100)}a`,
    `${" ".repeat(RANGE_MAX_LENGTH - 5)}1.0.0`,
    "-".repeat(RANGE_MAX_LENGTH),
    "1.0.0 - ".repeat(400),
    `${"x".repeat(RANGE_MAX_LENGTH)}`,
    "1.x.x.x.x".repeat(400),
    "=".repeat(RANGE_MAX_LENGTH),
    `${"v".repeat(2000)}1.0.0`,
    "1".repeat(RANGE_MAX_LENGTH),
    `1.0.0-${"0".repeat(RANGE_MAX_LENGTH - 6)}`,
  ];
  for (const text of absurd) {
    const range = tryParseRange(text);
    assert.ok(range === undefined || range.intervals.length <= 256, text.slice(0, 40));
  }
});

test("a chain of five thousand plugins does not exhaust the stack", () => {
  const registry = new FakeRegistry();
  const count = 5000;
  for (let index = 0; index < count; index += 1) registry.serve(`p${index}`, "1.0.0", { [`p${index + 1}`]: "*" });
  registry.serve(`p${count}`, "1.0.0");
  assert.equal(registry.solve({ p0: "*" }).versions.size, count + 1);
});

test("a conflict at the end of a long chain is explained by its whole length, cut", () => {
  const registry = new FakeRegistry();
  const count = 300;
  for (let index = 0; index < count; index += 1) registry.serve(`p${index}`, "1.0.0", { [`p${index + 1}`]: "^1.0.0" });
  const { core, explanation, isCoreMinimal } = registry.conflict({ p0: "*" }, {}, { seeksFix: false });
  assert.ok(isCoreMinimal);
  assert.equal(core.length, count + 1);
  assert.ok(explanation.lines.length <= 30);
});

test("a plugin that conflicts with itself in every release is refused with that reason", () => {
  const registry = new FakeRegistry();
  for (const version of ["1.0.0", "2.0.0"]) registry.serve("a", version, {}, { conflicts: { a: "*" } });
  const { explanation, core } = registry.conflict({ a: "*" });
  assert.deepEqual(core, ["a"]);
  assert.match(explanation.text, /every release of a conflicts with itself/);
});
