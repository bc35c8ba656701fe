import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { FakeRegistry, serve } from "./builders.ts";
import type { Conflict } from "@berth/resolver";

const DAY_MS = 86_400_000;

/** Every release of each pigeon takes a hole that no other pigeon may take. */
function pigeons(count: number, holes: number): { registry: FakeRegistry; roots: Record<string, string> } {
  const registry = new FakeRegistry();
  const names = Array.from({ length: count }, (_, index) => `pigeon${index}`);
  names.forEach((name, index) => {
    for (let hole = 1; hole <= holes; hole += 1) {
      const conflicts = Object.fromEntries(names.slice(0, index).map((other) => [other, `${hole}.0.0`]));
      registry.serve(name, `${hole}.0.0`, {}, { conflicts });
    }
  });
  return { registry, roots: Object.fromEntries(names.map((name) => [name, "*"])) };
}

const hardest: Readonly<Record<string, () => Conflict>> = {
  "both releases of the only root fail, each for its own reason": () =>
    serve("editor", "1.0.0", { tables: "^1.0.0", charts: "^1.0.0" })
      .serve("editor", "1.1.0", { import: "^1.0.0", export: "^1.0.0" })
      .serve("tables", "1.0.0", { charts: "^2.0.0" })
      .serve("charts", "1.0.0")
      .serve("charts", "2.0.0")
      .serve("import", "1.0.0", { export: "^2.0.0" })
      .serve("export", "1.0.0")
      .serve("export", "2.0.0")
      .conflict({ editor: "^1.0.0" }),
  "two plugins chase each other in a circle": () =>
    serve("red", "1.0.0", { blue: "1.0.0" })
      .serve("red", "2.0.0", { blue: "2.0.0" })
      .serve("blue", "1.0.0", { red: "2.0.0" })
      .serve("blue", "2.0.0", { red: "1.0.0" })
      .conflict({ red: "*", blue: "*" }),
  "ranges that overlap on paper, with no release in both": () =>
    serve("forms", "1.0.0", { shared: "^2.0.0" })
      .serve("grids", "1.0.0", { shared: ">=2.9.0 <4.0.0" })
      .serve("shared", "2.5.0")
      .serve("shared", "3.5.0")
      .conflict({ forms: "1.0.0", grids: "1.0.0" }),
  "an override of the policy leads to a dead end": () =>
    serve("forms", "1.0.0", { shared: "^1.0.0" })
      .serve("forms", "1.1.0", { shared: "^1.1.0" })
      .serve("shared", "1.0.0")
      .serve("shared", "1.1.0")
      .serve("shared", "2.0.0", { core: "^3.0.0" })
      .serve("core", "2.0.0")
      .conflict({ forms: "^1.0.0" }, { policy: { overrides: { shared: "^2.0.0" } } }),
  "every release of a dependency is barred for another reason": () =>
    serve("forms", "1.0.0", { shared: "*" }, { publishedAt: "2025-01-01T00:00:00Z" })
      .serve("shared", "1.0.0", {}, { isYanked: true })
      .serve("shared", "1.1.0", {}, { api: "^2.0.0" })
      .serve("shared", "1.2.0", {}, { level: "isolated" })
      .serve("shared", "1.3.0", {}, { platforms: ["darwin-arm64"] })
      .serve("shared", "1.4.0", {}, { publishedAt: "2026-01-01T00:00:00Z" })
      .serve("shared", "1.5.0")
      .conflict(
        { forms: "*" },
        {
          host: { api: "1.2.0", platform: "linux-x64", highestLevel: "strict" },
          nowMs: Date.parse("2026-01-02T00:00:00Z"),
          policy: { minimumAgeMs: 3 * DAY_MS, constraints: { shared: "<1.5.0" } },
        },
      ),
  "a conflict and an optional dependency leave nothing between them": () =>
    serve("forms", "1.0.0", { store: "*" }, { conflicts: { cache: "<2.0.0" } })
      .serve("store", "1.0.0", { cache: "*" }, { optionalDependencies: { cache: "^1.0.0" } })
      .serve("cache", "1.0.0")
      .serve("cache", "2.0.0")
      .conflict({ forms: "*" }),
  "revocations close both ways": () =>
    serve("forms", "1.0.0", { shared: "^1.0.0" })
      .serve("forms", "2.0.0", { shared: "^2.0.0" })
      .serve("shared", "1.0.0")
      .serve("shared", "2.0.0")
      .serve("shared", "2.1.0")
      .conflict(
        { forms: "*" },
        {
          revoked: [
            { plugin: "shared", range: "^2.0.0", reason: "the publisher's key was stolen" },
            { plugin: "shared", range: "1.0.0" },
          ],
        },
      ),
  "three plugins of which any two agree": () =>
    serve("red", "1.0.0", { shared: ">=1.0.0 <3.0.0" })
      .serve("green", "1.0.0", { shared: ">=2.0.0" })
      .serve("blue", "1.0.0", { shared: "1.0.0 || >=3.0.0" })
      .serve("shared", "1.0.0")
      .serve("shared", "2.0.0")
      .serve("shared", "3.0.0")
      .conflict({ red: "*", green: "*", blue: "*" }),
  "what was concluded once is used twice": () =>
    serve("app", "1.0.0", { x: "*", y: "*" })
      .serve("app", "2.0.0", { x: "*", z: "*" })
      .serve("x", "1.0.0", { s: "^1.0.0" })
      .serve("x", "2.0.0", { s: "^2.0.0" })
      .serve("s", "1.0.0", { t: "^1.0.0" })
      .serve("s", "2.0.0", { t: "^1.0.0" })
      .serve("t", "1.0.0", { u: "^1.0.0" })
      .serve("t", "2.0.0")
      .serve("u", "1.0.0")
      .serve("u", "2.0.0")
      .serve("y", "1.0.0", { u: "^2.0.0" })
      .serve("z", "1.0.0", { t: "^2.0.0" })
      .conflict({ app: "*" }),
  "five pigeons, four holes: a proof too long to read": () => {
    const { registry, roots } = pigeons(5, 4);
    return registry.conflict(roots);
  },
};

const golden = new URL("./fixtures/explanations.txt", import.meta.url);

test("explains the ten hardest conflicts in the golden words", () => {
  const text = Object.entries(hardest)
    .map(([title, conflict]) => {
      const { explanation, core, fix } = conflict();
      return `# ${title}\n${explanation.text}\nCore: ${core.join(", ")}\nFix: ${fix?.text ?? "none"}\n`;
    })
    .join("\n");
  // Set BERTH_UPDATE_GOLDEN=1 to accept new words, then read them aloud.
  if (process.env["BERTH_UPDATE_GOLDEN"] === "1") writeFileSync(golden, text);
  assert.equal(text, readFileSync(golden, "utf8"));
});

test("a long proof is cut to its end, and says so", () => {
  const { registry, roots } = pigeons(5, 4);
  const { explanation } = registry.conflict(roots, {}, { seeksFix: false });
  assert.ok(explanation.omittedLines > 0);
  assert.match(
    explanation.text,
    /^You require pigeon0, .* The proof has \d+ sentences, of which these are the last 20: …\n/,
  );
  assert.match(explanation.text, /there is no solution\.$/);
});

test("a reference never points to a sentence that is not shown", () => {
  const { registry, roots } = pigeons(5, 4);
  const { lines } = registry.conflict(roots, {}, { seeksFix: false }).explanation;
  const shown = new Set(lines.map(({ number }) => number));
  for (const { text } of lines) {
    for (const [, number] of text.matchAll(/ \((\d+)\)/g)) assert.ok(shown.has(Number(number)), text);
  }
});

test("a proof of thousands of steps is summed up", () => {
  const { registry, roots } = pigeons(8, 7);
  const { explanation } = registry.conflict(roots, {}, { seeksFix: false });
  assert.equal(explanation.lines.length, 0);
  assert.match(explanation.text, /^You require pigeon0, .*The proof has \d+ steps, too many to print\.$/);
});

test("names what there is when nothing matches a root", () => {
  const text = (registry: FakeRegistry, range: string) => registry.conflict({ a: range }).explanation.text;
  assert.equal(text(new FakeRegistry(), "^1.0.0"), "You require a ^1.0.0, but it is not in the registry.");
  const one = serve("a", "2.0.0");
  assert.equal(text(one, "^1.0.0"), "You require a ^1.0.0, but no release matches; there is only 2.0.0.");
  assert.equal(text(one, ">2.0.0 <1.0.0"), "You require a >2.0.0 <1.0.0, but no version can ever match that.");
  const three = one.serve("a", "2.1.0").serve("a", "3.0.0");
  assert.equal(
    text(three, "^1.0.0"),
    "You require a ^1.0.0, but no release matches; there are 2.0.0, 2.1.0 and 3.0.0.",
  );
  const four = three.serve("a", "4.0.0-beta");
  assert.equal(
    text(four, "^1.0.0"),
    "You require a ^1.0.0, but no release matches; there are 4, from 2.0.0 to 4.0.0-beta.",
  );
});

test("hostile names and ranges cannot paint on the terminal", () => {
  const name = "evil\u001b[31m\u202eplugin";
  const { explanation, fix } = serve("good", "1.0.0", { [name]: "*" }).conflict({ good: "*", [name]: "^1.0.0" });
  // eslint-disable-next-line no-control-regex -- that is what is looked for
  assert.doesNotMatch(`${explanation.text}${fix?.text}`, /[\u0000-\u0009\u000b-\u001f\u202a-\u202e]/);
  assert.match(explanation.text, /evil\\x1b\[31m\\u\{202e\}plugin/);
});

test("reports the facts behind an explanation as plain data", () => {
  const { explanation } = serve("forms", "1.0.0", { shared: "^1.0.0" })
    .serve("shared", "1.0.0", {}, { isYanked: true })
    .conflict({ forms: "*" });
  const byKind = new Map(explanation.facts.map((fact) => [fact.kind, fact]));
  assert.deepEqual(byKind.get("root"), { kind: "root", plugin: "forms", range: "*" });
  assert.deepEqual(byKind.get("dependency"), {
    kind: "dependency",
    plugin: "forms",
    versions: ["1.0.0"],
    target: "shared",
    range: "^1.0.0",
  });
  assert.deepEqual(byKind.get("banned"), {
    kind: "banned",
    plugin: "shared",
    versions: ["1.0.0"],
    ban: "yanked",
    text: "shared 1.0.0 is yanked",
  });
});
