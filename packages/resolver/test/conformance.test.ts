import { parseUniverse, resolveUniverse } from "@berth/resolver";
import type { UniverseResult } from "@berth/resolver";
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import semver from "semver";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const shared = `${root}../shared/conformance/resolver`;
const isAbsent = existsSync(shared) ? false : "the shared conformance data is not beside the clone";

type Ranges = Readonly<Record<string, string>>;
type Registry = Readonly<Record<string, Readonly<Record<string, { dependencies?: Ranges; yanked?: boolean }>>>>;

interface Expected {
  readonly kind: "solution" | "conflict";
  readonly solution?: Readonly<Record<string, string>>;
  readonly unique?: boolean;
  readonly rootParetoMax?: readonly Readonly<Record<string, string>>[];
  readonly core?: readonly string[];
  readonly fixKinds?: readonly string[];
  readonly mustMention?: readonly string[];
  readonly mustNotMention?: readonly string[];
}

interface Case {
  readonly root: Ranges;
  readonly registry: Registry;
  readonly policy?: { readonly yanked?: string };
  readonly expected: Expected | readonly Expected[];
}

function readCase(file: string): Case {
  return JSON.parse(readFileSync(file, "utf8")) as Case;
}

function resultsOf(text: string): UniverseResult[] {
  return resolveUniverse(parseUniverse(text), { clock: () => 0 });
}

/** The rules of the shared data's README, with the semver library as the judge of ranges. */
function checkSolution(solution: Ranges, roots: Ranges, { registry, policy }: Pick<Case, "registry" | "policy">): void {
  const versions = new Map(Object.entries(solution));
  const fits = (plugin: string, range: string) =>
    semver.satisfies(versions.get(plugin) ?? "", range, { includePrerelease: true });
  const reached = new Set<string>();
  const open = Object.keys(roots);
  for (const [plugin, range] of Object.entries(roots)) assert.ok(fits(plugin, range), `root ${plugin} ${range}`);
  for (let plugin = open.pop(); plugin !== undefined; plugin = open.pop()) {
    if (reached.has(plugin)) continue;
    reached.add(plugin);
    const version = versions.get(plugin) as string;
    const release = registry[plugin]?.[version];
    assert.ok(release, `${plugin} ${version} does not exist`);
    if (release.yanked === true && policy?.yanked !== "allow") assert.equal(roots[plugin], version, "a yanked release");
    for (const [target, range] of Object.entries(release.dependencies ?? {})) {
      assert.ok(fits(target, range), `${plugin} ${version} depends on ${target} ${range}`);
      open.push(target);
    }
  }
  assert.deepEqual([...versions.keys()].toSorted(), [...reached].toSorted(), "closed, and nothing unneeded");
}

function checkConflict(result: Extract<UniverseResult, { kind: "conflict" }>, expected: Expected): void {
  assert.ok(result.core.length > 0);
  assert.ok(result.explanation.length > 0);
  for (const name of expected.mustMention ?? []) assert.match(result.explanation, new RegExp(`\\b${name}\\b`));
  for (const name of expected.mustNotMention ?? [])
    assert.doesNotMatch(result.explanation, new RegExp(`\\b${name}\\b`));
}

test("has a verdict and a solution that passes for every shared case", { skip: isAbsent }, async (t) => {
  const index = JSON.parse(readFileSync(`${shared}/index.json`, "utf8")) as { id: string; file: string }[];
  for (const { id, file } of index) {
    await t.test(id, () => {
      const given = readCase(`${shared}/${file}`);
      const expected = given.expected as Expected;
      const [result] = resultsOf(JSON.stringify(given)) as [UniverseResult];
      assert.equal(result.kind, expected.kind);
      if (result.kind === "conflict") return checkConflict(result, expected);
      checkSolution(result.solution, given.root, given);
      if (expected.unique === true) assert.deepEqual(result.solution, expected.solution);
      const isExpected =
        expected.solution !== undefined && isDeepStrictEqual({ ...result.solution }, expected.solution);
      if (expected.rootParetoMax !== undefined && !isExpected) {
        const mine = Object.fromEntries(Object.keys(given.root).map((name) => [name, result.solution[name]]));
        assert.ok(
          expected.rootParetoMax.some((best) => Object.keys(mine).every((name) => best[name] === mine[name])),
          `${JSON.stringify(mine)} is not among the best`,
        );
      }
    });
  }
});

test("knows which of the 641 releases of the real registry can be installed", { skip: isAbsent }, () => {
  const file = `${shared}/registries/pubgrub-large-case-u16`;
  const { registry } = readCase(`${file}.json`);
  const verdicts = JSON.parse(readFileSync(`${file}.verdicts.json`, "utf8")) as { satisfiable: string[] };
  const satisfiable = new Set(verdicts.satisfiable);
  const roots = Object.entries(registry).flatMap(([plugin, releases]) =>
    Object.keys(releases).map((version) => ({ [plugin]: version })),
  );
  const results = resultsOf(JSON.stringify({ registry, roots }));
  assert.equal(results.length, 641);
  results.forEach((result, index) => {
    const [[plugin, version]] = Object.entries(roots[index] as Ranges) as [[string, string]];
    assert.equal(result.rootIndex, index);
    assert.equal(result.kind === "solution", satisfiable.has(`${plugin}@${version}`), `${plugin}@${version}`);
    if (result.kind === "solution") checkSolution(result.solution, { [plugin]: version }, { registry });
  });
});

test("solves every root set over ten thousand plugins", { skip: isAbsent }, () => {
  const file = `${shared}/registries/bench-10k`;
  const text = readFileSync(`${file}.json`, "utf8");
  const { registry, roots } = JSON.parse(text) as { registry: Registry; roots: Ranges[] };
  const { kinds } = JSON.parse(readFileSync(`${file}.verdicts.json`, "utf8")) as { kinds: string[] };
  const results = resultsOf(text);
  assert.deepEqual(
    results.map(({ kind }) => kind),
    kinds,
  );
  results.forEach((result, index) => {
    if (result.kind === "solution") checkSolution(result.solution, roots[index] as Ranges, { registry });
  });
});

test("agrees with every case of our own", async (t) => {
  const own = `${root}conformance/resolver`;
  const files = readdirSync(own).filter((name) => name.endsWith(".json"));
  assert.ok(files.length >= 25);
  for (const file of files) {
    await t.test(file, () => {
      const given = readCase(`${own}/${file}`);
      const results = resultsOf(JSON.stringify(given));
      const expected = Array.isArray(given.expected) ? (given.expected as Expected[]) : [given.expected as Expected];
      assert.equal(results.length, expected.length);
      results.forEach((result, index) => checkOwn(result, expected[index] as Expected));
    });
  }
});

function checkOwn(result: UniverseResult, expected: Expected): void {
  assert.equal(result.kind, expected.kind);
  if (result.kind === "solution") return assert.deepEqual(result.solution, expected.solution);
  checkConflict(result, expected);
  assert.deepEqual(result.core, expected.core);
  if (expected.fixKinds !== undefined) {
    assert.deepEqual(
      result.fix?.changes.map(({ kind }) => kind),
      expected.fixKinds,
    );
  }
}
