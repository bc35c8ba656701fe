import { Catalogue, parseUniverse, resolveSync } from "@berth/resolver";
import type { Resolution, Universe } from "@berth/resolver";
import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const shared = `${root}../shared/conformance/resolver`;
const isAbsent = existsSync(shared) ? false : "the shared conformance data is not beside the clone";
const golden = new URL("./fixtures/hardest-conflicts.txt", import.meta.url);

type Conflict = Extract<Resolution, { kind: "conflict" }>;

interface Hard {
  readonly id: string;
  readonly universe: Universe;
  readonly conflict: Conflict;
}

function solve({ request, source, rootSets, vocabulary }: Universe, fix?: Conflict["fix"]): Resolution {
  const policy = fix?.policy ?? request.policy;
  const roots = fix?.roots ?? rootSets[0] ?? {};
  return resolveSync({ ...request, ...(policy !== undefined && { policy }), roots }, source, {
    catalogue: new Catalogue(vocabulary),
  });
}

/** Those whose search ran into the most dead ends; among equals, those with the longest chain of reasons. */
function hardest(count: number): Hard[] {
  const index = JSON.parse(readFileSync(`${shared}/index.json`, "utf8")) as { id: string; file: string }[];
  const found = index.flatMap(({ id, file }): Hard[] => {
    const universe = parseUniverse(readFileSync(`${shared}/${file}`, "utf8"));
    const conflict = solve(universe);
    return conflict.kind === "conflict" ? [{ id, universe, conflict }] : [];
  });
  const keyOf = ({ conflict }: Hard): readonly number[] => [
    conflict.counts.conflicts,
    conflict.explanation.lines.length,
    conflict.counts.steps,
  ];
  const compare = (a: Hard, b: Hard): number => {
    const [left, right] = [keyOf(a), keyOf(b)];
    const at = left.findIndex((value, place) => value !== right[place]);
    return at === -1 ? (a.id < b.id ? -1 : 1) : (right[at] ?? 0) - (left[at] ?? 0);
  };
  return found.toSorted(compare).slice(0, count);
}

test("explains the ten hardest shared conflicts in words that can be read aloud", { skip: isAbsent }, () => {
  const text = hardest(10)
    .map(({ id, conflict }) =>
      [
        `# ${id}`,
        conflict.explanation.text,
        `Core: ${conflict.core.join(", ")}`,
        `Fix: ${conflict.fix?.text ?? "none"}`,
        "",
      ].join("\n"),
    )
    .join("\n");
  // Set BERTH_UPDATE_GOLDEN=1 to accept new words, then read them aloud.
  if (process.env["BERTH_UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, "utf8"));
  for (const line of text.split("\n").filter((each) => !/^(?:#|Core:|Fix:|$)/.test(each))) {
    assert.match(line, /^[A-Z].*[.)]$/, "a sentence");
    assert.doesNotMatch(line, /undefined|\[object|NaN/);
  }
});

test("every fix that is proposed for them was tried and solves", { skip: isAbsent }, () => {
  let fixes = 0;
  for (const { id, universe, conflict } of hardest(40)) {
    if (conflict.fix === undefined) continue;
    fixes += 1;
    const solved = solve(universe, conflict.fix);
    assert.equal(solved.kind, "solution", id);
    if (solved.kind === "solution") assert.deepEqual(Object.fromEntries(solved.versions), conflict.fix.solution, id);
  }
  assert.ok(fixes >= 10, `${fixes} fixes`);
});
